//! The graph of a published state.

use std::sync::Arc;

use super::core::Core;
use super::read::{Published, ReadTx};
use crate::graph::{EdgeNames, Graph};

impl EdgeNames for Core {
    fn number(&self, name: &str) -> Option<u32> {
        self.names.number(name)
    }

    fn name(&self, number: u32) -> Option<Arc<str>> {
        self.names.name(number)
    }
}

impl Published {
    /// The graph of this state; everybody who asks shares what is built for it.
    pub(crate) fn graph(&self, core: &Arc<Core>) -> Graph {
        let made = self.graph.get_or_init(|| {
            let names: Arc<dyn EdgeNames> = Arc::<Core>::clone(core);
            Graph::of_blocks(Arc::clone(&self.rows), self.seq, names)
        });
        made.clone()
    }
}

impl ReadTx {
    /// The graph at this sequence number: records are its nodes, links and edges its edges.
    #[must_use]
    pub fn graph(&self) -> Graph {
        self.published().graph(self.core_arc())
    }
}
