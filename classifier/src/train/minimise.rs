//! L-BFGS for smooth convex functions of many variables. Draws nothing at random.

use std::collections::VecDeque;

/// Pairs of steps and changes of the gradient that are remembered.
const REMEMBERED: usize = 6;
/// Share of the fall that the slope promises which a step must reach (Armijo).
const ENOUGH: f64 = 1e-4;
/// Times that a step is halved before the search gives up.
const HALVINGS: usize = 20;

/// The point to which at most `steps` steps lead from `start`. `value` gives the value at
/// a point and overwrites its gradient. Nocedal & Wright, Numerical Optimization,
/// algorithms 7.4 and 7.5, with a step that is halved until the value falls enough.
pub(super) fn minimise(
    start: Vec<f32>,
    steps: usize,
    mut value: impl FnMut(&[f32], &mut [f32]) -> f64,
) -> Vec<f32> {
    let mut x = start;
    let mut gradient = vec![0.0; x.len()];
    let mut at = value(&x, &mut gradient);
    let mut past = Past::default();
    for _ in 0..steps {
        let direction = past.direction(&gradient);
        let slope = dot(&direction, &gradient);
        let length = dot(&gradient, &gradient).sqrt();
        if length < 1e-9 || slope >= 0.0 {
            break;
        }
        let first = if past.0.is_empty() { (1.0 / length).min(1.0) } else { 1.0 };
        let mut next = (x.clone(), vec![0.0; x.len()], f64::INFINITY);
        for halving in 0..HALVINGS {
            let step = first * 0.5f64.powi(halving as i32);
            for ((n, x), d) in next.0.iter_mut().zip(&x).zip(&direction) {
                *n = x + step as f32 * d;
            }
            next.2 = value(&next.0, &mut next.1);
            if next.2 <= at + ENOUGH * step * slope {
                break;
            }
        }
        if next.2 >= at {
            break;
        }
        past.remember(difference(&next.0, &x), difference(&next.1, &gradient));
        (x, gradient, at) = next;
    }
    x
}

/// The latest steps with the change of the gradient on each, and one over their product.
#[derive(Debug, Default)]
struct Past(VecDeque<(Vec<f32>, Vec<f32>, f64)>);

impl Past {
    fn remember(&mut self, step: Vec<f32>, change: Vec<f32>) {
        let curvature = dot(&step, &change);
        // A step without curvature says nothing of the next.
        if curvature > 1e-12 {
            self.0.push_back((step, change, 1.0 / curvature));
        }
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// Minus the inverse Hessian, as the past suggests it, times the gradient.
    fn direction(&self, gradient: &[f32]) -> Vec<f32> {
        let mut q: Vec<f32> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.0.len());
        for (step, change, rho) in self.0.iter().rev() {
            let alpha = rho * dot(step, &q);
            add(&mut q, -alpha, change);
            alphas.push(alpha);
        }
        if let Some((_, change, rho)) = self.0.back() {
            let scale = 1.0 / (rho * dot(change, change));
            q.iter_mut().for_each(|v| *v *= scale as f32);
        }
        for ((step, change, rho), alpha) in self.0.iter().zip(alphas.iter().rev()) {
            let beta = rho * dot(change, &q);
            add(&mut q, alpha - beta, step);
        }
        q
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn add(to: &mut [f32], factor: f64, what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(t, w)| *t += factor as f32 * w);
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_of_a_long_narrow_bowl_is_found() {
        let widths: Vec<f32> = (0..50).map(|i| 1.0 + 20.0 * (i as f32)).collect();
        let mut calls = 0;
        let found = minimise(vec![0.0; 50], 60, |x, gradient| {
            calls += 1;
            let mut sum = 0.0;
            for (i, w) in widths.iter().enumerate() {
                let off = x[i] - i as f32 / 10.0;
                gradient[i] = w * off;
                sum += 0.5 * f64::from(w * off * off);
            }
            sum
        });
        for (i, v) in found.iter().enumerate() {
            assert!((v - i as f32 / 10.0).abs() < 1e-2, "{i}: {v}");
        }
        assert!(calls < 120, "{calls}");
    }

    #[test]
    fn at_the_minimum_nothing_moves() {
        let flat = minimise(vec![3.0], 5, |_, gradient| {
            gradient.fill(0.0);
            1.0
        });
        assert_eq!(flat, [3.0]);
    }
}
