//! The forms of a labelled row: under the guide, of a public set, or one that tells only what is negative. What a
//! row has no field for it does not supervise; what it names and nobody knows is an error. Owns the weights of rows.

use serde_json::Value;

use super::data::{Example, Goal, Target};
use crate::document::Input;
use crate::taxonomy::{Label, NONE, Taxonomy, covered, index, position};

/// The set of rows under the guide.
pub(crate) const ANNOTATED_SET: &str = "annotated";
/// How much more one of them counts: it sets the convention.
pub(super) const ANNOTATED: f32 = 4.0;
/// How much more a name in one counts.
pub(super) const NAMED: f32 = 2.0;
/// How much an absent topic counts in a set that names only the first of several.
const UNNAMED: f32 = 0.3;
/// How much less an event counts that a set does not tell of a text, because it tells that of one company alone.
const UNTOLD: f32 = 0.2;
/// How much a text counts whose label was made for another question.
const UNSURE: f32 = 0.5;

/// What the guide asks of a text; one of them tells its rows.
const GUIDED: [&str; 3] = ["sentiment", "topics", "events"];
const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];

/// Tells the form of a row by its fields.
pub(super) fn example(row: &Value, taxonomy: &Taxonomy) -> Result<Example, String> {
    let base = Example {
        lang: text(row, "lang").unwrap_or("und").to_owned(),
        text: whole(row).ok_or("no text")?,
        set: text(row, "set").unwrap_or_default().to_owned(),
        weight: 1.0,
        ..Example::default()
    };
    if GUIDED.iter().any(|name| field(row, name).is_some()) {
        return guided(row, base, taxonomy);
    }
    if let Some(labels) = field(row, "labels") {
        return Ok(Example { topics: Some(public_topics(&base.set, labels, taxonomy)?), ..base });
    }
    if let Some(event) = field(row, "event") {
        return public_event(row, event, base, taxonomy);
    }
    if let Some(label) = field(row, "label") {
        let sentiment = Some(class(label)?);
        return Ok(match text(row, "target") {
            Some(name) => Example { targets: vec![Target { sentiment, ..named(name) }], ..base },
            None => Example { sentiment, ..base },
        });
    }
    match field(row, "negative") {
        Some(negative) => told_apart(row, negative, base),
        None => Err("none of sentiment, topics, events, labels, event, label, negative".to_owned()),
    }
}

/// A row under the guide, which is of the annotated set whatever set its text is of. A task that it has no field for is
/// not supervised by it.
pub(super) fn guided(row: &Value, base: Example, taxonomy: &Taxonomy) -> Result<Example, String> {
    let none = index(&taxonomy.events, NONE);
    let topics = ids(row, "topics", &taxonomy.topics)?;
    let events = ids(row, "events", &taxonomy.events)?;
    let events = events.map(|found| if found.is_empty() { Vec::from_iter(none) } else { found });
    let sole = match events.as_deref() {
        Some([one]) => Some(*one),
        Some(_) | None => None,
    };
    let target = |entity: &Value| {
        let name = text(entity, "name").ok_or_else(|| format!("entity {entity} has no name"))?;
        let sentiment = field(entity, "sentiment").map(class).transpose()?;
        let suffers = sentiment == Some(0) && text(entity, "role") == Some("subject");
        let event = sole.filter(|event| Some(*event) == none || suffers);
        Ok(Target { sentiment, event, weight: NAMED, ..named(name) })
    };
    Ok(Example {
        own: Some(base.set.clone()).filter(|set| !set.is_empty()),
        set: ANNOTATED_SET.to_owned(),
        weight: ANNOTATED,
        sentiment: field(row, "sentiment").map(class).transpose()?,
        topics: topics.map(|on| goal(taxonomy.topics.len(), &on, |_| 1.0)),
        events: events.map(|on| goal(taxonomy.events.len(), &on, |_| 1.0)),
        targets: list(row, "entities")?.iter().map(target).collect::<Result<_, String>>()?,
        ..base
    })
}

/// The topics of a text among those that its set has.
fn public_topics(set: &str, labels: &Value, taxonomy: &Taxonomy) -> Result<Goal, String> {
    let labels = labels.as_array().ok_or_else(|| format!("labels is {labels}, and no list"))?;
    let places = labels.iter().map(|label| place(&taxonomy.topics, set, label));
    let on: Vec<usize> = places.collect::<Result<_, _>>()?;
    let told = told(&taxonomy.topics, set);
    let names_one = set == "twitter_topic";
    let absent = if names_one { UNNAMED } else { 1.0 };
    let goal = goal(taxonomy.topics.len(), &on, |i| if told.get(i) == Some(&true) { absent } else { 0.0 });
    Ok(Goal { first: on.first().copied().filter(|_| names_one), ..goal })
}

/// The event of one company.
fn public_event(row: &Value, event: &Value, base: Example, taxonomy: &Taxonomy) -> Result<Example, String> {
    let on = place(&taxonomy.events, &base.set, event)?;
    let subject = text(row, "subject").unwrap_or_default();
    if subject.is_empty() && index(&taxonomy.events, NONE) != Some(on) {
        return Err(format!("event {event} without a subject"));
    }
    let told = told(&taxonomy.events, &base.set);
    let mut events =
        goal(taxonomy.events.len(), &[on], |i| if told.get(i) == Some(&true) { UNTOLD } else { 0.0 });
    events.weights.iter_mut().for_each(|weight| *weight *= UNSURE);
    // A set that names no event of a company does not tell that the text has none.
    let events = Some(events).filter(|_| index(&taxonomy.events, NONE) != Some(on));
    let target = Target { event: Some(on), ..named(subject) };
    Ok(Example { events, targets: vec![target], ..base })
}

/// A row that tells what is negative and what is not, which may be neutral or positive: that is scored, and teaches
/// nothing.
fn told_apart(row: &Value, negative: &Value, base: Example) -> Result<Example, String> {
    let negative =
        negative.as_bool().ok_or_else(|| format!("negative is {negative}, neither true nor false"))?;
    let mut targets = blamed(row, negative)?;
    targets.retain(|target| base.text.contains(&target.name));
    let sentiment = negative.then_some(0);
    Ok(Example { sentiment, negative: Some(negative), targets, weight: UNSURE, ..base })
}

/// The names of a row, those of `key_entities` negative. Whether one is that stands in such a name, or around it, is not
/// known, nor of any where a negative row has no such list.
fn blamed(row: &Value, negative: bool) -> Result<Vec<Target>, String> {
    let (all, keys) = (names(row, "entities")?, names(row, "key_entities")?);
    let is_told = negative != keys.is_empty();
    let is_part = |name: &str| keys.iter().any(|key| key.contains(name) || name.contains(*key));
    let others = all.into_iter().filter(|name| is_told && !is_part(name));
    let blamed = keys.iter().map(|name| Target { negative: Some(true), ..named(name) });
    Ok(blamed.chain(others.map(|name| Target { negative: Some(false), ..named(name) })).collect())
}

fn names<'a>(row: &'a Value, field: &str) -> Result<Vec<&'a str>, String> {
    let named = list(row, field)?.iter();
    named.map(|name| name.as_str().ok_or_else(|| format!("{name} of {field} is no name"))).collect()
}

fn named(name: &str) -> Target {
    Target { name: name.to_owned(), weight: 1.0, ..Target::default() }
}

/// A field that is there and not null.
fn field<'a>(row: &'a Value, name: &str) -> Option<&'a Value> {
    row.get(name).filter(|value| !value.is_null())
}

fn text<'a>(row: &'a Value, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Value::as_str)
}

/// The text of a row as the model is shown it, behind its title if it has one.
fn whole(row: &Value) -> Option<String> {
    let (title, text) = (text(row, "title").map(str::to_owned), text(row, "text")?.to_owned());
    Some(Input { title, text, ..Input::default() }.whole())
}

/// The values of a list; none where there is no such field.
fn list<'a>(row: &'a Value, name: &str) -> Result<&'a [Value], String> {
    match field(row, name) {
        None => Ok(&[]),
        Some(value) => {
            value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{name} is {value}, and no list"))
        }
    }
}

/// Positions of the ids that a field lists; `None` where a row has no such field.
fn ids(row: &Value, name: &str, labels: &[Label]) -> Result<Option<Vec<usize>>, String> {
    let place = |id: &Value| {
        let known = id.as_str().and_then(|id| index(labels, id));
        known.ok_or_else(|| format!("{id} among its {name} is not in the taxonomy"))
    };
    let places: Vec<usize> = list(row, name)?.iter().map(place).collect::<Result<_, _>>()?;
    Ok(field(row, name).map(|_| places))
}

/// Position of what `set` calls so, or of an id.
fn place(labels: &[Label], set: &str, name: &Value) -> Result<usize, String> {
    let known = |name: &str| position(labels, set, name).or_else(|| index(labels, name));
    name.as_str()
        .and_then(known)
        .ok_or_else(|| format!("{name} is neither an id of the taxonomy nor a label of the set {set:?}"))
}

/// Which labels `set` tells of: those that the taxonomy has names of it for, all where it has none.
fn told(labels: &[Label], set: &str) -> Vec<bool> {
    let covered = covered(labels, set);
    if covered.contains(&true) { covered } else { vec![true; labels.len()] }
}

fn goal(width: usize, on: &[usize], absent: impl Fn(usize) -> f32) -> Goal {
    let is_on = |i: usize| on.contains(&i);
    Goal {
        labels: (0..width).map(|i| if is_on(i) { 1.0 } else { 0.0 }).collect(),
        weights: (0..width).map(|i| if is_on(i) { 1.0 } else { absent(i) }).collect(),
        first: None,
    }
}

fn class(label: &Value) -> Result<usize, String> {
    let known = label.as_str().and_then(|label| SENTIMENTS.iter().position(|name| *name == label));
    known.ok_or_else(|| format!("sentiment {label} is none of {}", SENTIMENTS.join(", ")))
}
