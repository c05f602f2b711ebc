//! The checked-in JSON Schemas are those of the types, and the examples fit them.

#[expect(dead_code, reason = "shared with other test binaries, which use other parts")]
mod support;

use std::{env, fs};

use serde_json::{Value, json};
use support::{examples, root, schemas};
use tocsin_contract::topics;

/// The schema of a whole message: the fields of the type and the integer `v`.
fn message_schema(topic: &str, v: u64, fields: schemars::Schema) -> Value {
    let mut schema = fields.to_value();
    match schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        Some(variants) => variants.iter_mut().for_each(|variant| add_version(variant, v)),
        None => add_version(&mut schema, v),
    }
    schema["title"] = json!(format!("{topic} v{v}"));
    schema
}

fn add_version(object: &mut Value, v: u64) {
    object["properties"]["v"] = json!({ "const": v });
    let required = object["required"].as_array_mut().expect("every message has required fields");
    required.push(json!("v"));
}

#[test]
fn the_checked_in_schemas_are_those_of_the_types() {
    for topic in topics::ALL {
        for (v, fields) in schemas(topic) {
            let path = root().join("schemas").join(format!("{topic}.v{v}.json"));
            let schema = message_schema(topic, v, fields);
            let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
            if env::var_os("UPDATE").is_some() {
                fs::write(&path, &text).unwrap();
            }
            let recorded = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                recorded == text,
                "{} is not the schema of the type; if the change is meant and old messages still fit, run \
                 UPDATE=1 cargo test -p tocsin-contract --test schemas",
                path.display()
            );
        }
    }
}

#[test]
fn every_example_fits_its_schema_and_a_message_without_version_does_not() {
    for topic in topics::ALL {
        for (v, fields) in schemas(topic) {
            let schema = jsonschema::validator_for(&message_schema(topic, v, fields)).unwrap();
            for example in examples(topic, v) {
                let mut message = example.json();
                let errors: Vec<String> = schema.iter_errors(&message).map(|e| e.to_string()).collect();
                assert!(errors.is_empty(), "{}: {errors:?}", example.path.display());
                message.as_object_mut().unwrap().remove("v");
                assert!(!schema.is_valid(&message), "{} fits without v", example.path.display());
            }
        }
    }
}
