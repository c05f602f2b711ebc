//! Leaves layers of the encoder out. The heads stay as they are.

use super::Model;

/// Drops the layers with these numbers (from 1). A head that saw a dropped layer sees
/// the last kept one below it, or the first.
pub(super) fn drop(model: &mut Model, numbers: &[usize]) -> Result<(), String> {
    let count = model.weights.layers.len();
    if let Some(number) = numbers.iter().find(|number| !(1..=count).contains(*number)) {
        return Err(format!("there is no layer {number} to drop among its {count}"));
    }
    let kept: Vec<usize> = (1..=count).filter(|number| !numbers.contains(number)).collect();
    if kept.is_empty() {
        return Err("no layer would be left".to_owned());
    }
    let mut number = 0;
    model.weights.layers.retain(|_| {
        number += 1;
        kept.contains(&number)
    });
    model.weights.shape.num_hidden_layers = kept.len();
    model.config.encoder.num_hidden_layers = kept.len();
    for tap in &mut model.config.taps {
        *tap = kept.iter().filter(|number| *number <= tap).count().max(1);
    }
    Ok(())
}
