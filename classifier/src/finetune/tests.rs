//! The backward pass against finite differences on a tiny encoder.

use super::dropout::Dropout;
use super::items::{Item, Mention};
use super::layout::{Depth, Layout};
use super::model::Model;
use super::run::gradients;
use super::teacher::Taught;
use super::worker::Worker;
use crate::train::data::Goal;
use crate::weights::Shape;

const TOPICS: usize = 4;
const EVENTS: usize = 3;

fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

fn tiny() -> Model {
    let shape = Shape::tiny(2);
    random(&shape, (TOPICS, EVENTS))
}

/// A model with random weights.
pub(super) fn random(shape: &Shape, (topics, events): (usize, usize)) -> Model {
    let layout = Layout::new(shape, topics, events);
    let mut next = noise(7);
    let mut p: Vec<f32> = (0..layout.total()).map(|_| 0.6 * next()).collect();
    for gain in layout.variables.iter().filter(|v| v.name.ends_with("LayerNorm.weight")) {
        p[gain.at.clone()].iter_mut().for_each(|g| *g = 1.0 + 0.3 * *g);
    }
    let words = (0..shape.vocab_size * shape.hidden_size).map(|_| next()).collect();
    Model { layout, p, words }
}

fn goal(labels: &[f32], weights: &[f32]) -> Option<Goal> {
    Some(Goal { labels: labels.to_vec(), weights: weights.to_vec(), first: Some(0) })
}

fn taught(names: &[&[f32]]) -> Option<Taught> {
    Some(Taught {
        sentiment: vec![0.7, 0.1, 0.2],
        topics: vec![0.9, 0.1, 0.5, 0.0],
        events: vec![0.2, 0.3, 0.9],
        names: names.iter().map(|name| name.to_vec()).collect(),
    })
}

/// Every kind of label and of answer of a teacher, sets that tell only some sentiments apart, a name that was cut off.
fn items() -> Vec<Item> {
    let mention = |tokens: &[usize], sentiment, event| Mention { tokens: tokens.to_vec(), sentiment, event };
    vec![
        Item {
            ids: vec![0, 5, 6, 7, 2],
            weight: 2.0,
            sentiment: Some(1),
            told_apart: [true; 3],
            topics: goal(&[1.0, 0.0, 1.0, 0.0], &[1.0, 0.3, 1.0, 0.0]),
            mentions: vec![mention(&[1, 2], Some(2), Some(0)), mention(&[], Some(0), None)],
            ..Item::default()
        },
        Item {
            ids: vec![0, 9, 5, 11, 12, 13, 2],
            weight: 1.0,
            sentiment: Some(2),
            told_apart: [true, false, true],
            events: goal(&[0.0, 1.0, 0.0], &[1.0, 1.0, 0.3]),
            mentions: vec![mention(&[4], None, Some(2))],
            taught: taught(&[&[0.5, 0.1, 0.4, 0.2, 0.2, 0.6]]),
            ..Item::default()
        },
        Item {
            ids: vec![0, 14, 2],
            weight: 1.0,
            topics: goal(&[0.0, 0.0, 0.0, 1.0], &[0.0, 0.0, 1.0, 1.0]),
            taught: taught(&[]),
            ..Item::default()
        },
    ]
}

/// A worker that drops the same values in each pass.
fn dropping() -> Worker {
    let mut worker = Worker::default();
    worker.dropout = Dropout { share: 0.2, seed: 5 };
    worker
}

fn loss(model: &Model, items: &[Item]) -> f64 {
    f64::from(gradients(model, &mut [dropping()], &[items.iter().collect()], 1.0))
}

#[test]
fn every_gradient_agrees_with_finite_differences_and_every_variable_has_one() {
    let (mut model, items) = (tiny(), items());
    let mut workers = [dropping()];
    gradients(&model, &mut workers, &[items.iter().collect()], 1.0);
    let gradient = workers[0].gradient.clone();
    let step = 4e-3;
    for variable in model.layout.variables.clone() {
        let (mut apart, mut size) = (0.0, 0.0);
        for at in variable.at.clone() {
            let value = model.p[at];
            model.p[at] = value + step;
            let up = loss(&model, &items);
            model.p[at] = value - step;
            let down = loss(&model, &items);
            model.p[at] = value;
            let (numeric, ours) = ((up - down) / f64::from(2.0 * step), f64::from(gradient[at]));
            apart += (numeric - ours).powi(2);
            size += ours.powi(2);
        }
        // Softmax does not see a constant added to all scores of a row.
        let blind = variable.name.ends_with("key.bias");
        assert_eq!(size.sqrt() > 1e-3, !blind, "{}: gradient of norm {}", variable.name, size.sqrt());
        let allowed = if blind { 2e-2 } else { 2e-2 * size.sqrt().max(0.3) };
        assert!(apart.sqrt() < allowed, "{}: {} apart of {}", variable.name, apart.sqrt(), size.sqrt());
    }
}

#[test]
fn word_rows_that_occur_have_the_gradient_of_finite_differences() {
    let (mut model, items) = (tiny(), items());
    let mut workers = [dropping()];
    gradients(&model, &mut workers, &[items.iter().collect()], 1.0);
    let rows = workers[0].rows.clone();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), [0, 2, 5, 6, 7, 9, 11, 12, 13, 14]);
    let step = 4e-3;
    for (id, row) in rows {
        assert!(row.iter().any(|g| g.abs() > 1e-3));
        for (offset, ours) in row.iter().enumerate() {
            let at = id as usize * 8 + offset;
            let value = model.words[at];
            model.words[at] = value + step;
            let up = loss(&model, &items);
            model.words[at] = value - step;
            let numeric = (up - loss(&model, &items)) / f64::from(2.0 * step);
            model.words[at] = value;
            assert!(
                (numeric - f64::from(*ours)).abs() < 3e-2,
                "row {id} value {offset}: {numeric} against {ours}"
            );
        }
    }
}

#[test]
fn two_workers_find_the_gradient_of_one() {
    let (model, items) = (tiny(), items());
    let all: Vec<&Item> = items.iter().collect();
    let (mut one, mut two) = ([Worker::default()], [Worker::default(), Worker::default()]);
    let whole = gradients(&model, &mut one, std::slice::from_ref(&all), 0.25);
    let parts = gradients(&model, &mut two, &[all[..1].to_vec(), all[1..].to_vec()], 0.25);
    assert!((whole - parts).abs() < 1e-4);
    for (index, g) in one[0].gradient.iter().enumerate() {
        let sum = two[0].gradient[index] + two[1].gradient[index];
        assert!((g - sum).abs() < 1e-4, "value {index}: {g} against {sum}");
    }
}

#[test]
fn a_text_that_its_teacher_answers_as_it_is_labelled_teaches_as_the_label_alone() {
    let model = tiny();
    let labelled = Item {
        ids: vec![0, 5, 2],
        weight: 1.0,
        sentiment: Some(1),
        told_apart: [true; 3],
        ..Item::default()
    };
    let certain = Taught { sentiment: vec![0.0, 1.0, 0.0], ..Taught::default() };
    let (label, both) = (labelled.clone(), Item { taught: Some(certain.clone()), ..labelled.clone() });
    let alone = Item { taught: Some(certain), sentiment: None, ..labelled };
    let [label, both, alone] = [label, both, alone].map(|item| loss(&model, &[item]));
    assert!((label - both).abs() < 1e-5 && (label / 2.0 - alone).abs() < 1e-5, "{label} {both} {alone}");
}

#[test]
fn variables_tile_the_flat_vector() {
    let layout = tiny().layout;
    let mut end = 0;
    for variable in &layout.variables {
        assert_eq!(variable.at.start, end, "{}", variable.name);
        assert_eq!(variable.at.len(), variable.shape.iter().product::<usize>(), "{}", variable.name);
        end = variable.at.end;
    }
    assert_eq!(end, layout.total());
    assert!(layout.variables.iter().any(|v| v.depth == Depth::Embedding));
}

#[test]
fn the_first_label_of_a_set_is_taught_for_topics_and_not_for_events() {
    let model = tiny();
    let of = |first: Option<usize>, events: bool| {
        let goal = Goal { first, ..goal(&[1.0, 0.0, 0.0], &[1.0; 3]).unwrap() };
        let topics = Goal { labels: vec![1.0, 0.0, 0.0, 0.0], weights: vec![1.0; 4], first };
        let item = Item { ids: vec![0, 5, 2], weight: 1.0, ..Item::default() };
        let item =
            if events { Item { events: Some(goal), ..item } } else { Item { topics: Some(topics), ..item } };
        loss(&model, &[item])
    };
    assert!(of(Some(0), false) > of(None, false) + 1e-3);
    assert_eq!(of(Some(0), true), of(None, true));
}
