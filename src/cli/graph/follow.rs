//! Which edges a question follows.

use clap::{Args, ValueEnum};
use engraph::graph::{Direction, DistanceSearch, PathSearch, TimedSearch, Walk};

/// The types of edges that count.
#[derive(Args, Debug)]
pub(super) struct Types {
    /// Only edges of these types
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) types: Vec<String>,
}

impl Types {
    /// As the library takes them.
    pub(super) fn names(&self) -> Vec<&str> {
        self.types.iter().map(String::as_str).collect()
    }

    /// Whether edges of a type count.
    pub(super) fn include(&self, edge_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|known| known == edge_type)
    }
}

/// Which edges are followed, and which way.
#[derive(Args, Debug)]
pub(super) struct Follow {
    /// Only edges of these types
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) types: Vec<String>,

    /// Along the edges, against them, or both
    #[arg(long, value_enum, default_value_t = Along::Both)]
    direction: Along,
}

/// A direction, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Along {
    Out,
    In,
    Both,
}

impl From<Along> for Direction {
    fn from(along: Along) -> Self {
        match along {
            Along::Out => Self::Out,
            Along::In => Self::In,
            Along::Both => Self::Both,
        }
    }
}

/// Lets a search follow the edges that were asked for. The searches share no trait.
macro_rules! following {
    ($follow:expr, $search:expr) => {{
        let (follow, search) = ($follow, $search);
        if follow.types.is_empty() {
            return search.any(follow.direction());
        }
        follow.types.iter().fold(search, |search, edge_type| match follow.direction {
            Along::Out => search.out(edge_type),
            Along::In => search.incoming(edge_type),
            Along::Both => search.both(edge_type),
        })
    }};
}

impl Follow {
    pub(super) fn direction(&self) -> Direction {
        self.direction.into()
    }

    /// The walk over these edges.
    pub(super) fn walk<'g>(&self, walk: Walk<'g>) -> Walk<'g> {
        following!(self, walk)
    }

    /// The search over these edges.
    pub(super) fn search<'g>(&self, search: PathSearch<'g>) -> PathSearch<'g> {
        following!(self, search)
    }

    /// The search in time over these edges.
    pub(super) fn timed<'g>(&self, search: TimedSearch<'g>) -> TimedSearch<'g> {
        following!(self, search)
    }

    /// The distances over these edges.
    pub(super) fn distances<'g>(&self, search: DistanceSearch<'g>) -> DistanceSearch<'g> {
        following!(self, search)
    }
}
