//! Gradients reach every variable; a separable problem is learned; seeds repeat.

use super::*;

fn features(n: usize) -> Vec<Vec<f32>> {
    let mut rng = StdRng::seed_from_u64(9);
    (0..n).map(|_| (0..12).map(|_| rng.random_range(-1.0..1.0)).collect()).collect()
}

/// The label is the sign of the first feature (and for many: of the second).
fn cases(rows: &[Vec<f32>], kind: Kind) -> Vec<Case<'_>> {
    let labels = |row: &[f32]| match kind {
        Kind::One if row[0] > 0.0 => vec![0.0, 1.0],
        Kind::One => vec![1.0, 0.0],
        Kind::Many => row[..2].iter().map(|v| if *v > 0.0 { 1.0 } else { 0.0 }).collect(),
    };
    let case = |(i, row): (usize, &'_ Vec<f32>)| (i % 5 == 0, labels(row));
    rows.iter()
        .enumerate()
        .map(|pair| {
            let (dev, labels) = case(pair);
            Case {
                text: "",
                features: pair.1,
                goal: Goal { labels, weights: vec![1.0; 2], first: None },
                weight: 1.0,
                dev,
            }
        })
        .collect()
}

fn quick() -> FitOptions {
    FitOptions { hidden: 16, epochs: 30, batch: 32, rate: 1e-2, ..FitOptions::default() }
}

#[test]
fn every_variable_receives_a_gradient_that_is_not_zero() {
    for kind in [Kind::One, Kind::Many] {
        let rows = features(64);
        let cases = cases(&rows, kind);
        let refs: Vec<&Case<'_>> = cases.iter().collect();
        let net = Net::new(12, 8, 2, &mut StdRng::seed_from_u64(1)).unwrap();
        let x = standard(&refs, &[0.0; 12], &[1.0; 12]).unwrap();
        let options = FitOptions::default();
        let logits = net.forward(&x, Some((&options, &mut StdRng::seed_from_u64(2)))).unwrap();
        let gradients = weighed(&logits, &refs, kind).unwrap().0.backward().unwrap();
        for variable in net.variables() {
            let gradient = gradients.get(&variable).unwrap().abs().unwrap().sum_all().unwrap();
            assert!(gradient.to_scalar::<f32>().unwrap() > 0.0, "{kind:?} {:?}", variable.shape());
        }
    }
}

#[test]
fn a_separable_problem_is_learned_and_the_same_seed_gives_the_same_head() {
    for kind in [Kind::One, Kind::Many] {
        let rows = features(400);
        let cases = cases(&rows, kind);
        let (head, passes) = fit(&cases, kind, quick()).unwrap();
        assert_eq!(passes.len(), 30);
        let right = cases.iter().filter(|c| c.dev).filter(|c| {
            let logits = head.logits(c.features);
            match kind {
                Kind::One => (logits[1] > logits[0]) == (c.goal.labels[1] > 0.5),
                Kind::Many => logits.iter().zip(&c.goal.labels).all(|(z, y)| (*z > 0.0) == (*y > 0.5)),
            }
        });
        let share = right.count() as f32 / cases.iter().filter(|c| c.dev).count() as f32;
        assert!(share > 0.85, "{kind:?}: {share}");
        assert_eq!(fit(&cases, kind, quick()).unwrap().0.output.weight, head.output.weight);
    }
}

#[test]
fn the_dev_loss_is_by_weight_however_rows_are_ordered_and_cut() {
    for kind in [Kind::One, Kind::Many] {
        let rows = features(90);
        let mut cases = cases(&rows, kind);
        // The heavy ones lie together, as annotated texts do; of the others some name a label as the first.
        for (i, case) in cases.iter_mut().enumerate() {
            case.weight = if i < 30 { 4.0 } else { 0.5 };
            if kind == Kind::Many && i >= 30 {
                case.goal.weights = vec![1.0, 0.1];
                case.goal.first = (i % 3 == 0).then_some(0);
            }
        }
        let net = Net::new(12, 8, 2, &mut StdRng::seed_from_u64(1)).unwrap();
        let loss = |rows: &[&Case<'_>], at_once: usize| {
            mean_loss(&net, rows, (&[0.0; 12], &[1.0; 12]), kind, at_once).unwrap()
        };
        let mut refs: Vec<&Case<'_>> = cases.iter().collect();
        let whole = loss(&refs, 90);
        let near = |other: f32| assert!((other - whole).abs() < 1e-4, "{kind:?}: {other} is not {whole}");
        for at_once in [1, 7, 30, 64] {
            near(loss(&refs, at_once));
        }
        refs.reverse();
        near(loss(&refs, 30));
        let (heavy, light) = (loss(&refs[60..], 7), loss(&refs[..60], 7));
        assert!((heavy - whole).abs() < (light - whole).abs(), "{kind:?}: {heavy} {whole} {light}");
    }
}

#[test]
fn labels_of_weight_zero_change_nothing() {
    let rows = features(64);
    let mut one = cases(&rows, Kind::Many);
    one.iter_mut().for_each(|c| c.goal.weights = vec![1.0, 0.0]);
    let mut two = one.clone();
    two.iter_mut().for_each(|c| c.goal.labels[1] = 1.0 - c.goal.labels[1]);
    let head = |cases: &[Case<'_>]| {
        fit(cases, Kind::Many, FitOptions { epochs: 2, ..quick() }).unwrap().0.output.weight
    };
    assert_eq!(head(&one), head(&two));
}

#[test]
fn without_training_rows_the_fit_says_so() {
    let rows = features(4);
    let mut cases = cases(&rows, Kind::One);
    cases.iter_mut().for_each(|c| c.dev = true);
    assert!(matches!(fit(&cases, Kind::One, quick()), Err(ClassifierError::NoData("train on"))));
}
