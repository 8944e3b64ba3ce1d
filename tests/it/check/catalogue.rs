//! The catalogue is whole, and its ids are the ones of the groups.

use std::collections::BTreeSet;

use lanebench::check::{CATALOGUE, Group, Id, Standing, find};

#[test]
fn every_group_is_there_and_every_id_is_once() {
    let names: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
    for group in Group::ALL {
        let of_group = CATALOGUE.iter().filter(|entry| entry.group == group);
        let judged = of_group.filter(|entry| matches!(entry.standing, Standing::Judged { .. }));
        assert!(judged.count() >= 4, "{}", group.word());
    }
    assert!(Id::ALL.len() >= 45, "{}", Id::ALL.len());
}

#[test]
fn ids_are_found_by_name_and_entries_by_id() {
    for id in Id::ALL {
        assert_eq!(id.entry().name, id.word());
        assert_eq!(find(&id.word().to_lowercase()), Some(id.entry()));
    }
    assert_eq!(find("XX-01"), None);
    let unseen = find("AP-10").unwrap();
    assert!(matches!(unseen.standing, Standing::NotObservable { .. }));
}

#[test]
fn every_entry_says_what_it_means() {
    for entry in CATALOGUE {
        assert!(entry.sentence.ends_with('.'), "{}", entry.name);
        match entry.standing {
            Standing::Judged {
                exercised_by, reads, ..
            } => {
                assert!(!exercised_by.is_empty(), "{}", entry.name);
                assert!(!reads.is_empty() || entry.name == "DU-14", "{}", entry.name);
            }
            Standing::NotObservable { reason } => assert!(!reason.is_empty(), "{}", entry.name),
        }
    }
}
