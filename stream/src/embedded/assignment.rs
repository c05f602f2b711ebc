//! Which member of a group reads which partition. Pure arithmetic: every member
//! computes the same from what the tables say.

use std::collections::BTreeMap;

/// One partition of a group, as the tables have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// As named on the bus.
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) member: Option<String>,
    pub(super) generation: i64,
    pub(super) start: i64,
}

/// The member that should read each cursor, in their order. Balanced for each topic
/// (no two members differ by more than one partition) and moving no partition that
/// need not move. `members`: identity and topics.
pub(super) fn assign<'a>(
    members: &'a BTreeMap<String, Vec<String>>,
    cursors: &[Cursor],
) -> Vec<Option<&'a str>> {
    let mut loads: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chosen = vec![None; cursors.len()];
    let mut topics: Vec<&str> = cursors.iter().map(|cursor| cursor.topic.as_str()).collect();
    topics.dedup();
    for topic in topics {
        let wants = |(_, topics): &(&String, &Vec<String>)| topics.iter().any(|t| t == topic);
        let readers = members.iter().filter(wants).map(|(member, _)| (member.as_str(), 0)).collect();
        let of_topic = cursors.iter().enumerate().filter(|(_, cursor)| cursor.topic == topic);
        share(readers, of_topic.collect(), &mut loads, &mut chosen);
    }
    chosen
}

fn share<'a>(
    mut readers: BTreeMap<&'a str, usize>,
    cursors: Vec<(usize, &Cursor)>,
    loads: &mut BTreeMap<&'a str, usize>,
    chosen: &mut [Option<&'a str>],
) {
    if readers.is_empty() {
        return;
    }
    let floor = cursors.len() / readers.len();
    let mut extra = cursors.len() % readers.len();
    let mut free = Vec::new();
    for (index, cursor) in cursors {
        let owner = cursor.member.as_deref().and_then(|member| {
            let name = readers.get_key_value(member).map(|(name, _)| *name)?;
            Some((name, readers.get_mut(name)?))
        });
        match owner {
            Some((name, count)) if *count < floor || (*count == floor && extra > 0) => {
                extra -= usize::from(*count == floor);
                *count += 1;
                chosen[index] = Some(name);
            }
            Some(_) | None => free.push(index),
        }
    }
    for index in free {
        let least = readers.iter_mut().min_by_key(|(name, count)| (**count, loads.get(*name).copied()));
        if let Some((name, count)) = least {
            *count += 1;
            chosen[index] = Some(name);
        }
    }
    for (name, count) in readers {
        *loads.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(names: &[&str]) -> BTreeMap<String, Vec<String>> {
        names.iter().map(|name| ((*name).to_owned(), vec!["t".to_owned()])).collect()
    }

    fn cursors(owners: &[Option<&str>]) -> Vec<Cursor> {
        let cursor = |(partition, owner): (usize, &Option<&str>)| Cursor {
            topic: "t".into(),
            partition: partition as i32,
            member: owner.map(ToOwned::to_owned),
            generation: 0,
            start: 0,
        };
        owners.iter().enumerate().map(cursor).collect()
    }

    #[test]
    fn a_joining_member_gets_its_share_and_nothing_else_moves() {
        let wanted = [Some("a"), Some("a"), Some("b"), Some("b")];
        let group = members(&["a", "b", "c"]);
        let after = assign(&group, &cursors(&wanted));
        assert_eq!(after, [Some("a"), Some("a"), Some("b"), Some("c")]);
    }

    #[test]
    fn a_topic_nobody_reads_has_no_reader() {
        assert_eq!(assign(&members(&[]), &cursors(&[None, Some("gone")])), [None, None]);
    }

    #[test]
    fn topics_of_one_partition_are_spread_over_the_members() {
        let group = BTreeMap::from(["a", "b"].map(|m| (m.to_owned(), vec!["t".to_owned(), "u".to_owned()])));
        let mut both = cursors(&[None]);
        both.push(Cursor { topic: "u".into(), ..both[0].clone() });
        assert_eq!(assign(&group, &both), [Some("a"), Some("b")]);
    }

    proptest! {
        #[test]
        fn shares_are_balanced_complete_and_stable(
            count in 1_usize..6,
            owners in prop::collection::vec(prop::option::of(0_usize..8), 0..24),
        ) {
            let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
            let group = members(&names[..count]);
            let before: Vec<Option<&str>> = owners.iter().map(|owner| owner.map(|i| names[i])).collect();
            let after = assign(&group, &cursors(&before));
            let of = |name: &str| after.iter().filter(|owner| **owner == Some(name)).count();
            let counts: Vec<usize> = names[..count].iter().map(|name| of(name)).collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), owners.len());
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            prop_assert_eq!(assign(&group, &cursors(&after)), after);
        }
    }
}
