//! Memories put together by what they say, each cluster around the memory that is most like the
//! others.
//!
//! Two memories are compared by the cosine of their embeddings where both carry one of the same
//! dimension, else by the words and pairs of words that they share (Jaccard), as groups are that
//! are summed up. How many clusters there are is said by the caller, or follows from how alike
//! memories of a cluster have to be. Nothing is random: the same memories give the same clusters,
//! in whatever order they were written.

use std::ops::Deref;

use serde::Serialize;

use super::{Memories, MemoryGrouping, MemoryQuery, Reader};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::MEMORY_PAIRED_MAX;
use crate::base::near::Shingles;
use crate::record::Memory;

/// Rounds in which centers move; each makes the clusters tighter, and few are ever needed.
const ROUNDS_MAX: usize = 50;

/// Memories that say alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MemoryCluster {
    /// The memory that stands for the others: the one that is alike to most of them, or to all of
    /// them the most.
    pub center: NodeId,
    /// How alike the others are to it on average, at most 1; 1 where there are none.
    pub likeness: f64,
    /// All of them: the center, then the others, the most alike first.
    pub members: Vec<ClusterMember>,
}

/// A memory of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClusterMember {
    /// The memory.
    pub id: NodeId,
    /// How alike it is to the center: a cosine, or the share of words and pairs of words.
    pub likeness: f64,
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// Clusters of the memories of a query, the largest first, in which each is as alike to the
    /// center as asked; those that have too few memories are left out. A center is the memory to
    /// which most of those are alike that have no cluster yet; then each goes to the center that it
    /// is most alike to. Of all namespaces and agents that the query does not leave out.
    ///
    /// Looks at the first 2,000 and compares each with every other one.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::family::{MemoryGrouping, MemoryQuery, NewMemory};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::create(dir.path().join("s"))?;
    /// let texts = ["the reply is due in March", "the reply is due in May", "lunch is at noon"];
    /// store.write(|tx| {
    ///     for (key, text) in ["a", "b", "c"].iter().zip(texts) {
    ///         tx.memories().remember(NewMemory::new("case-7", *key, text))?;
    ///     }
    ///     Ok(())
    /// })?;
    /// let tx = store.read()?;
    /// let found = tx.memories().clusters(&MemoryQuery::new(), &MemoryGrouping::new())?;
    /// assert_eq!((found.len(), found[0].members.len()), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn clusters(
        &self,
        query: &MemoryQuery,
        grouping: &MemoryGrouping,
    ) -> Result<Vec<MemoryCluster>> {
        let points = self.points(query)?;
        let likenesses = Likenesses::of(&points);
        let is_alike = |one: usize, other: usize| {
            let is_by_vector = points[one].has_vector_like(&points[other]);
            let least = if is_by_vector { grouping.vectors } else { grouping.words };
            one == other || f64::from(likenesses.get(one, other)) >= least
        };
        let centers = covering(&likenesses, &is_alike);
        let mut found = gathered(&points, &likenesses, &centers, &is_alike);
        found.retain(|cluster| cluster.members.len() >= grouping.size);
        Ok(found)
    }

    /// The memories of a query in so many clusters, the largest first; every memory is in one. Of
    /// fewer memories than that each is a cluster. Starts with the memories that together are most
    /// alike to all (BUILD: Kaufman and Rousseeuw, "Finding Groups in Data", 1990) and moves each
    /// center to the middle of its cluster until none moves (Park and Jun, "A simple and fast
    /// algorithm for K-medoids clustering", 2009).
    ///
    /// Looks at the first 2,000 and compares each with every other one, once for each cluster.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no clusters; [`Error::Corrupt`] when a memory does not decode.
    pub fn partition(&self, query: &MemoryQuery, clusters: usize) -> Result<Vec<MemoryCluster>> {
        if clusters == 0 {
            return Err(Error::invalid("clusters", "there must be one at least"));
        }
        let points = self.points(query)?;
        let likenesses = Likenesses::of(&points);
        let centers = middles(&likenesses, spread(&likenesses, clusters));
        Ok(gathered(&points, &likenesses, &centers, &|_, _| true))
    }

    fn points(&self, query: &MemoryQuery) -> Result<Vec<Point>> {
        let found = self.list(&query.clone().limit(MEMORY_PAIRED_MAX))?;
        let mut points: Vec<Point> =
            found.iter().map(|(id, memory)| Point::of(*id, memory)).collect();
        points.sort_by_key(|point| point.id);
        Ok(points)
    }
}

/// A memory as it is compared with others.
struct Point {
    id: NodeId,
    words: Shingles,
    /// Its embedding, of length 1; `None` where it has none that points anywhere.
    vector: Option<Vec<f32>>,
}

impl Point {
    fn of(id: NodeId, memory: &Memory) -> Self {
        let vector = memory.embedding.as_ref().and_then(|vector| {
            let values: Vec<f32> = vector.iter().collect();
            let squares = values.iter().map(|value| f64::from(*value).powi(2));
            let length = squares.sum::<f64>().sqrt();
            // Imported vectors may hold anything.
            let is_proper = length > 0.0 && length.is_finite();
            is_proper.then(|| {
                values.into_iter().map(|value| (f64::from(value) / length) as f32).collect()
            })
        });
        Self { id, words: Shingles::of(&memory.content), vector }
    }

    fn has_vector_like(&self, other: &Self) -> bool {
        let dimension = |point: &Self| point.vector.as_ref().map(Vec::len);
        dimension(self).is_some() && dimension(self) == dimension(other)
    }

    fn likeness(&self, other: &Self) -> f32 {
        match (&self.vector, &other.vector) {
            (Some(ours), Some(theirs)) if ours.len() == theirs.len() => {
                ours.iter().zip(theirs).map(|(a, b)| a * b).sum::<f32>().clamp(-1.0, 1.0)
            }
            _ => self.words.likeness(&other.words) as f32,
        }
    }
}

/// How alike each is to every other one.
struct Likenesses {
    count: usize,
    /// The half below the diagonal, row after row.
    values: Vec<f32>,
}

impl Likenesses {
    fn of(points: &[Point]) -> Self {
        let pairs = (1..points.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let values = pairs.map(|(one, other)| points[one].likeness(&points[other])).collect();
        Self { count: points.len(), values }
    }

    fn get(&self, one: usize, other: usize) -> f32 {
        let (small, great) = (one.min(other), one.max(other));
        if small == great { 1.0 } else { self.values[great * (great - 1) / 2 + small] }
    }
}

/// Centers that every one is alike to one of, found greedily: the next is the one to which most of
/// those are alike that are to no center yet; of equal ones the one that is most alike to all that
/// it is alike to, then the first.
fn covering(likenesses: &Likenesses, is_alike: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
    let count = likenesses.count;
    let alike_to = |one: usize| (0..count).filter(move |other| is_alike(one, *other));
    let sum = |one: usize| -> f64 {
        alike_to(one).map(|other| f64::from(likenesses.get(one, other))).sum()
    };
    let sums: Vec<f64> = (0..count).map(sum).collect();
    let mut open = vec![true; count];
    let mut open_around: Vec<usize> = (0..count).map(|one| alike_to(one).count()).collect();
    let mut centers = Vec::new();
    loop {
        let left = (0..count).filter(|one| open[*one]);
        let next = left.rev().max_by(|a, b| {
            open_around[*a].cmp(&open_around[*b]).then(sums[*a].total_cmp(&sums[*b]))
        });
        let Some(center) = next else { return centers };
        centers.push(center);
        for covered in alike_to(center) {
            if std::mem::take(&mut open[covered]) {
                alike_to(covered).for_each(|other| open_around[other] -= 1);
            }
        }
    }
}

/// As many as asked that together are most alike to all, each next one the one that adds most; of
/// equal ones the first.
fn spread(likenesses: &Likenesses, count: usize) -> Vec<usize> {
    let all = likenesses.count;
    // Cosines go down to -1: the first center counts in full.
    let mut best = vec![-1.0_f32; all];
    let mut centers: Vec<usize> = Vec::new();
    while centers.len() < count.min(all) {
        let gain = |one: usize| -> f64 {
            let gains = best.iter().enumerate();
            gains.map(|(of, best)| f64::from((likenesses.get(one, of) - best).max(0.0))).sum()
        };
        let open = (0..all).filter(|one| !centers.contains(one)).map(|one| (one, gain(one)));
        let next = open.rev().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((center, _)) = next else { break };
        for (of, best) in best.iter_mut().enumerate() {
            *best = best.max(likenesses.get(center, of));
        }
        centers.push(center);
    }
    centers
}

/// Moves each center to the one that is most alike to all of its cluster, until none moves.
fn middles(likenesses: &Likenesses, mut centers: Vec<usize>) -> Vec<usize> {
    for _ in 0..ROUNDS_MAX {
        let mut clusters = vec![Vec::new(); centers.len()];
        for one in 0..likenesses.count {
            if let Some(place) = nearest(likenesses, &centers, one, &|_, _| true) {
                clusters[place].push(one);
            }
        }
        let middle = |cluster: &Vec<usize>| {
            let sum = |one: usize| -> f64 {
                cluster.iter().map(|other| f64::from(likenesses.get(one, *other))).sum()
            };
            let sums = cluster.iter().map(|one| (*one, sum(*one)));
            sums.rev().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(one, _)| one)
        };
        let moved: Vec<usize> = clusters.iter().filter_map(middle).collect();
        if moved == centers {
            break;
        }
        centers = moved;
    }
    centers
}

/// The place of the center that one is most alike to, of those that it may belong to; a center
/// belongs to itself.
fn nearest(
    likenesses: &Likenesses,
    centers: &[usize],
    one: usize,
    may_belong: &dyn Fn(usize, usize) -> bool,
) -> Option<usize> {
    if let Some(place) = centers.iter().position(|center| *center == one) {
        return Some(place);
    }
    let open = (0..centers.len()).filter(|place| may_belong(centers[*place], one));
    let likeness = |place: &usize| likenesses.get(centers[*place], one);
    open.rev().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// The clusters around centers.
fn gathered(
    points: &[Point],
    likenesses: &Likenesses,
    centers: &[usize],
    may_belong: &dyn Fn(usize, usize) -> bool,
) -> Vec<MemoryCluster> {
    let mut members: Vec<Vec<ClusterMember>> = vec![Vec::new(); centers.len()];
    for (one, point) in points.iter().enumerate() {
        if let Some(place) = nearest(likenesses, centers, one, may_belong) {
            let likeness = f64::from(likenesses.get(centers[place], one));
            members[place].push(ClusterMember { id: point.id, likeness });
        }
    }
    let clusters = centers.iter().zip(members).map(|(center, mut members)| {
        let center = points[*center].id;
        members.sort_by(|a, b| {
            let by_likeness = b.likeness.total_cmp(&a.likeness);
            (a.id != center).cmp(&(b.id != center)).then(by_likeness).then(a.id.cmp(&b.id))
        });
        let others = members.iter().skip(1).map(|member| member.likeness);
        let sum = others.sum::<f64>();
        let likeness = if members.len() < 2 { 1.0 } else { sum / (members.len() - 1) as f64 };
        MemoryCluster { center, likeness, members }
    });
    let mut found: Vec<MemoryCluster> = clusters.collect();
    found.sort_by_key(|cluster| (std::cmp::Reverse(cluster.members.len()), cluster.center));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::id::Kind;
    use crate::base::vector::Vector;

    /// Centers, and which of them a memory may belong to.
    type Found<'a> = (&'a [usize], &'a dyn Fn(usize, usize) -> bool);

    fn points(values: &[(f32, f32)]) -> Vec<Point> {
        let of = |(key, (x, y)): (u64, &(f32, f32))| {
            let embedding = Some(Vector::from(&[*x, *y][..]));
            let id = NodeId::new(Kind(1), key).unwrap();
            Point::of(id, &Memory { embedding, ..Memory::default() })
        };
        (1_u64..).zip(values).map(of).collect()
    }

    #[test]
    fn the_middle_of_a_crowd_is_its_center_and_an_outlier_is_alone() {
        let points = points(&[(1.0, 0.1), (1.0, 0.0), (1.0, -0.1), (-1.0, 0.0)]);
        let likenesses = Likenesses::of(&points);
        assert_eq!(spread(&likenesses, 2), [1, 3]);
        assert_eq!(covering(&likenesses, &|a, b| likenesses.get(a, b) > 0.9), [1, 3]);
        let moved = middles(&likenesses, vec![0, 3]);
        assert_eq!(moved, [1, 3]);
        assert_eq!(spread(&likenesses, 9).len(), 4, "as many as there are");
        assert_eq!(covering(&Likenesses::of(&[]), &|_, _| true), [0; 0]);
    }

    #[test]
    fn vectors_that_point_nowhere_are_none() {
        let points = points(&[(0.0, 0.0), (f32::INFINITY, 1.0), (f32::NAN, 1.0), (1e-30, 0.0)]);
        let has_vector: Vec<bool> = points.iter().map(|point| point.vector.is_some()).collect();
        assert_eq!(has_vector, [false, false, false, true]);
    }

    proptest! {
        #[test]
        fn every_one_is_in_one_cluster_and_with_its_nearest_center(
            values in prop::collection::vec((-9_i8..9, -9_i8..9), 0..24),
            count in 1_usize..9,
            least in -1.0_f32..1.0,
        ) {
            let values: Vec<(f32, f32)> =
                values.iter().map(|(x, y)| (f32::from(*x), f32::from(*y))).collect();
            let points = points(&values);
            let likenesses = Likenesses::of(&points);
            let is_alike = |a: usize, b: usize| a == b || likenesses.get(a, b) >= least;
            let covering = covering(&likenesses, &is_alike);
            let medoids = middles(&likenesses, spread(&likenesses, count));
            prop_assert_eq!(medoids.len(), count.min(points.len()));
            let always = |_: usize, _: usize| true;
            let all: [Found<'_>; 2] = [(&covering, &is_alike), (&medoids, &always)];
            for (centers, may_belong) in all {
                let found = gathered(&points, &likenesses, centers, may_belong);
                let mut ids: Vec<NodeId> =
                    found.iter().flat_map(|one| one.members.iter().map(|it| it.id)).collect();
                ids.sort_unstable();
                let expected: Vec<NodeId> = points.iter().map(|point| point.id).collect();
                prop_assert_eq!(ids, expected);
                for cluster in &found {
                    prop_assert_eq!(cluster.members[0].id, cluster.center);
                    for member in &cluster.members[1..] {
                        let one = member.id.key() as usize - 1;
                        let center = cluster.center.key() as usize - 1;
                        prop_assert!(may_belong(center, one));
                        let best = centers.iter().filter(|center| may_belong(**center, one));
                        let best = best.map(|center| likenesses.get(*center, one));
                        let best = best.fold(-1.0, f32::max);
                        prop_assert!(likenesses.get(center, one) >= best);
                    }
                }
            }
        }
    }
}
