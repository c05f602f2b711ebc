//! Cuts a unigram vocabulary to the tokens that texts use. Texts that use no other are cut
//! into the same pieces as before; single characters stay, so that no text becomes unknown.

use serde_json::Value;

/// A smaller tokenizer.
pub(super) struct Pruned {
    /// `tokenizer.json`.
    pub(super) tokenizer: Vec<u8>,
    /// Old numbers of the tokens that are left, in order: the new number is the place.
    pub(super) kept: Vec<u32>,
}

/// `size`: rows of the embedding; `used`: by token, whether a text has it.
pub(super) fn prune(tokenizer: &[u8], size: usize, used: &[bool]) -> Result<Pruned, String> {
    let mut file: Value = serde_json::from_slice(tokenizer).map_err(|e| e.to_string())?;
    let kept = kept(&file, size, used)?;
    let mut places = vec![None; size];
    for (place, id) in kept.iter().enumerate() {
        places.iter_mut().skip(*id as usize).take(1).for_each(|slot| *slot = Some(place));
    }
    let moved = |id: &Value| -> Result<Value, String> {
        let place = id.as_u64().and_then(|id| *places.get(id as usize)?);
        place.map(Value::from).ok_or_else(|| format!("token {id} is needed and not in the vocabulary"))
    };
    cut(&mut file, &kept)?;
    renumber(&mut file, &moved)?;
    let tokenizer = serde_json::to_vec(&file).map_err(|e| e.to_string())?;
    Ok(Pruned { tokenizer, kept })
}

fn kept(file: &Value, size: usize, used: &[bool]) -> Result<Vec<u32>, String> {
    if file.pointer("/model/type").and_then(Value::as_str) != Some("Unigram") {
        return Err("only unigram vocabularies can be pruned".to_owned());
    }
    let vocabulary = file.pointer("/model/vocab").and_then(Value::as_array).ok_or("it has no vocabulary")?;
    let added = file.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
    let mut needed: Vec<u64> = added.filter_map(|token| token.get("id")?.as_u64()).collect();
    needed.extend(file.pointer("/model/unk_id").and_then(Value::as_u64));
    let stays = |id: &usize| {
        let piece = vocabulary.get(*id).and_then(|entry| entry.get(0)?.as_str());
        let basic = piece.is_none_or(|piece| piece.chars().nth(1).is_none() || is_byte(piece));
        basic || used.get(*id) == Some(&true) || needed.contains(&(*id as u64))
    };
    Ok((0..size).filter(stays).map(|id| id as u32).collect())
}

/// A piece that stands for a byte, as `<0x0A>`.
fn is_byte(piece: &str) -> bool {
    piece.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>')).is_some_and(|hex| hex.len() == 2)
}

fn cut(file: &mut Value, kept: &[u32]) -> Result<(), String> {
    let vocabulary =
        file.pointer_mut("/model/vocab").and_then(Value::as_array_mut).ok_or("it has no vocabulary")?;
    let old = std::mem::take(vocabulary);
    vocabulary.extend(kept.iter().filter_map(|id| old.get(*id as usize).cloned()));
    Ok(())
}

/// Writes the new number wherever a token is named by its old one.
fn renumber(file: &mut Value, moved: &impl Fn(&Value) -> Result<Value, String>) -> Result<(), String> {
    let mut places: Vec<&mut Value> = Vec::new();
    let Some(file) = file.as_object_mut() else { return Err("it is no JSON object".to_owned()) };
    for (name, part) in file {
        match name.as_str() {
            "model" => places.extend(part.get_mut("unk_id")),
            "padding" => places.extend(part.get_mut("pad_id")),
            "added_tokens" => {
                let tokens = part.as_array_mut().into_iter().flatten();
                places.extend(tokens.filter_map(|token| token.get_mut("id")));
            }
            "post_processor" => marks(part, &mut places),
            _ => {}
        }
    }
    for place in places.into_iter().filter(|place| !place.is_null()) {
        *place = moved(place)?;
    }
    Ok(())
}

/// The numbers of the marks that a post-processor puts around a text, whatever its kind.
fn marks<'a>(part: &'a mut Value, places: &mut Vec<&'a mut Value>) {
    let Some(fields) = part.as_object_mut() else { return };
    for (name, value) in fields {
        match name.as_str() {
            "ids" => places.extend(value.as_array_mut().into_iter().flatten()),
            "sep" | "cls" => places.extend(value.get_mut(1)),
            "special_tokens" => {
                let tokens = value.as_object_mut().into_iter().flat_map(|tokens| tokens.values_mut());
                tokens.for_each(|token| marks(token, places));
            }
            "processors" => {
                value.as_array_mut().into_iter().flatten().for_each(|one| marks(one, places));
            }
            _ => {}
        }
    }
}
