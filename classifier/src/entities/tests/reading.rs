//! Dictionaries in files: what they may hold, and what an error says of them.

use crate::entities::{Dictionary, Linker};

#[test]
fn a_table_line_adds_to_the_entity_that_has_its_id() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "[[entity]]\nid=\"x\"\nname=\"X\"\nambiguous=[\"Xa\"]\n")
        .unwrap();
    std::fs::write(folder.path().join("b.tsv"), "x\tNYSE:XX\tX\tXcorp|Xa\ny\t\tYcorp\t=\n").unwrap();
    let dictionary = Dictionary::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(dictionary.entities.len(), 2);
    assert_eq!(dictionary.entities[0].symbols, ["NYSE:XX"]);
    assert_eq!(dictionary.entities[0].names, ["Xcorp"], "what is ambiguous by hand stays so");
}

#[test]
fn an_id_given_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "[[entity]]\nid=\"x\"\nname=\"X\"\n[[entity]]\nid=\"x\"\nname=\"Y\"\n").unwrap();
    let error = Dictionary::read(&[path]).unwrap_err().to_string();
    assert!(error.contains("\"x\" occurs twice"), "{error}");
}

#[test]
fn an_error_names_the_files_of_a_double_id_and_the_line_of_a_bad_object() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let error = || Dictionary::read(&[folder.path().to_owned()]).unwrap_err().to_string();
    write("a.toml", "[[entity]]\nid=\"x\"\nname=\"X\"\n");
    write("b.toml", "[[entity]]\nid=\"y\"\nname=\"Y\"\n");
    write("c.jsonl", "{\"id\":\"x\",\"name\":\"X\"}\n");
    let twice = error();
    assert!(twice.contains("c.jsonl is not") && twice.contains("a.toml"), "{twice}");
    write("c.jsonl", "{\"id\":\"z\",\"name\":\"Z\"}\n\n{\"id\":1}\n");
    let bad = error();
    assert!(bad.contains("c.jsonl") && bad.contains("line 3, column "), "{bad}");
}

#[test]
fn json_lines_are_a_dictionary_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), "{\"id\":\"x\",\"name\":\"X\",\"names\":[\"Xcorp\"]}\n")
        .unwrap();
    let linker = Linker::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(linker.link("Xcorp rises", 0).len(), 1);
}

#[test]
fn an_entity_of_a_name_alone_is_found_by_it_and_one_that_cannot_be_right_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("a.toml"), text).unwrap();
    write("[[entity]]\nid=\"x\"\nname=\"Zorblax Industries\"\n");
    let linker = Linker::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(linker.link("Zorblax Industries rises", 0).len(), 1);
    for (fields, told) in [
        ("id=\"\"\nname=\"X\"", "an entity has the id \"\" and the name \"X\""),
        ("id=\"x\"\nname=\" \"", "an entity has the id \"x\" and the name \" \""),
        ("id=\"x\"\nname=\"X\"\nsymbols=[\"NYSE:X\",\"XX\"]", "symbol \"XX\" of \"x\" names no market"),
    ] {
        write(&format!("[[entity]]\n{fields}\n"));
        let error = Linker::read(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("a.toml") && error.contains(told), "{error}");
    }
}
