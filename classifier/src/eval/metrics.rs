//! Scores of classes and of labels, as people know them from scikit-learn.

use serde::{Deserialize, Serialize};

/// Precision, recall, F1 and support of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    pub name: String,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub support: usize,
}

/// Scores of answers of which exactly one is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    pub count: usize,
    pub accuracy: f64,
    /// Mean F1 of the classes that occur.
    pub macro_f1: f64,
    /// Expected calibration error, ten bins of equal width.
    pub ece: f64,
    pub classes: Vec<ClassScore>,
    /// Rows: truth; columns: answer; in the order of `classes`.
    pub confusion: Vec<Vec<usize>>,
}

/// Scores of answers that may name several labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    pub count: usize,
    pub micro_f1: f64,
    /// Mean F1 of the labels that occur.
    pub macro_f1: f64,
    pub labels: Vec<ClassScore>,
}

/// True positives, false positives, false negatives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    hit: usize,
    wrong: usize,
    missed: usize,
}

impl Counts {
    fn score(self, name: &str) -> ClassScore {
        ClassScore {
            name: name.to_owned(),
            precision: ratio(self.hit, self.hit + self.wrong),
            recall: ratio(self.hit, self.hit + self.missed),
            f1: ratio(2 * self.hit, 2 * self.hit + self.wrong + self.missed),
            support: self.hit + self.missed,
        }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `answers`: truth, answer, confidence; both are positions in `names`.
pub fn classes(names: &[String], answers: &[(usize, usize, f32)]) -> ClassReport {
    let mut confusion = vec![vec![0; names.len()]; names.len()];
    for (truth, answer, _) in answers {
        if let Some(cell) = confusion.get_mut(*truth).and_then(|row| row.get_mut(*answer)) {
            *cell += 1;
        }
    }
    let cell = |r: usize, c: usize| confusion.get(r).and_then(|row| row.get(c)).copied().unwrap_or(0);
    let counts = |class: usize| {
        let others = || (0..names.len()).filter(move |o| *o != class);
        Counts {
            hit: cell(class, class),
            wrong: others().map(|o| cell(o, class)).sum(),
            missed: others().map(|o| cell(class, o)).sum(),
        }
    };
    let classes: Vec<ClassScore> = names.iter().enumerate().map(|(i, name)| counts(i).score(name)).collect();
    let right = answers.iter().filter(|(truth, answer, _)| truth == answer).count();
    ClassReport {
        count: answers.len(),
        accuracy: ratio(right, answers.len()),
        macro_f1: mean_f1(&classes),
        ece: ece(answers),
        classes,
        confusion,
    }
}

/// `answers`: for each text the truth and the selection among `names`; labels that
/// are not `known` are left out.
pub fn labels(names: &[String], known: &[bool], answers: &[(Vec<usize>, Vec<usize>)]) -> LabelReport {
    let mut counts = vec![Counts::default(); names.len()];
    for (truth, chosen) in answers {
        for (label, count) in counts.iter_mut().enumerate() {
            match (truth.contains(&label), chosen.contains(&label)) {
                (true, true) => count.hit += 1,
                (false, true) => count.wrong += 1,
                (true, false) => count.missed += 1,
                (false, false) => {}
            }
        }
    }
    let kept = |i: &usize| known.get(*i).copied().unwrap_or(false);
    let scores = (0..names.len()).filter(kept).filter_map(|i| Some((counts.get(i)?, names.get(i)?)));
    let all = scores.clone().fold(Counts::default(), |sum, (c, _)| Counts {
        hit: sum.hit + c.hit,
        wrong: sum.wrong + c.wrong,
        missed: sum.missed + c.missed,
    });
    let labels: Vec<ClassScore> = scores.map(|(count, name)| count.score(name)).collect();
    LabelReport { count: answers.len(), micro_f1: all.score("").f1, macro_f1: mean_f1(&labels), labels }
}

fn mean_f1(scores: &[ClassScore]) -> f64 {
    let seen: Vec<f64> = scores.iter().filter(|s| s.support > 0).map(|s| s.f1).collect();
    seen.iter().sum::<f64>() / seen.len().max(1) as f64
}

/// How far confidence is from accuracy, mean over ten bins by their size.
fn ece(answers: &[(usize, usize, f32)]) -> f64 {
    let mut bins = [(0usize, 0usize, 0f64); 10];
    for (truth, answer, confidence) in answers {
        let at = ((confidence * 10.0) as usize).min(9);
        if let Some(bin) = bins.get_mut(at) {
            *bin = (bin.0 + 1, bin.1 + usize::from(truth == answer), bin.2 + f64::from(*confidence));
        }
    }
    let gap =
        |(n, right, sum): &(usize, usize, f64)| (*right as f64 - sum).abs() / (*n).max(1) as f64 * *n as f64;
    bins.iter().map(gap).sum::<f64>() / answers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| i.to_string()).collect()
    }

    #[test]
    fn class_scores_equal_a_worked_example() {
        // Truth 0,0,1,1,2; answers 0,1,1,1,0.
        let answers = [(0, 0, 0.9), (0, 1, 0.6), (1, 1, 0.8), (1, 1, 0.7), (2, 0, 0.5)];
        let report = classes(&names(3), &answers);
        assert!((report.accuracy - 0.6).abs() < 1e-9);
        assert_eq!(report.confusion, vec![vec![1, 1, 0], vec![0, 2, 0], vec![1, 0, 0]]);
        // F1: 0.5, 0.8, 0.
        assert!((report.macro_f1 - 1.3 / 3.0).abs() < 1e-9);
        // Every answer is alone in its bin: |1-.9| |0-.6| |1-.8| |1-.7| |0-.5|, over 5.
        assert!((report.ece - 0.34).abs() < 1e-6, "{}", report.ece);
    }

    #[test]
    fn labels_nobody_knows_are_left_out() {
        let answers = [(vec![0], vec![0, 2]), (vec![1], vec![]), (vec![0, 1], vec![0, 1])];
        let report = labels(&names(3), &[true, true, false], &answers);
        assert_eq!(report.labels.len(), 2);
        // hits 3, wrong 0, missed 1.
        assert!((report.micro_f1 - 6.0 / 7.0).abs() < 1e-9);
        assert!((report.macro_f1 - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-9);
    }
}
