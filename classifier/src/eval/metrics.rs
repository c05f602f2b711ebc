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
    /// How often it was answered.
    #[serde(default)]
    pub answered: usize,
}

impl ClassScore {
    /// Whether it is true of a text, or was answered for one.
    pub const fn occurs(&self) -> bool {
        self.support > 0 || self.answered > 0
    }
}

/// Scores of answers of which exactly one is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    pub count: usize,
    pub accuracy: f64,
    /// Mean F1 of the classes that occur, as truth or as answer.
    pub macro_f1: f64,
    /// Expected calibration error over `bins`.
    pub ece: f64,
    pub classes: Vec<ClassScore>,
    /// Rows: truth; columns: answer; in the order of `classes`.
    pub confusion: Vec<Vec<usize>>,
    /// Ten bins of confidence of equal width.
    #[serde(default)]
    pub bins: Vec<Bin>,
    /// What abstaining buys: the surest answers only, from all of them to a twentieth.
    #[serde(default)]
    pub abstain: Vec<Abstain>,
}

/// Answers whose confidence is in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub count: usize,
    /// Mean; 0 where there is no answer.
    pub confidence: f64,
    pub accuracy: f64,
}

/// The answers that are left when those below a confidence are not given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Abstain {
    /// Share of the texts that are answered.
    pub coverage: f64,
    /// The least confidence among them.
    pub confidence: f64,
    pub accuracy: f64,
}

/// Scores of answers that may name several labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    pub count: usize,
    pub micro_f1: f64,
    /// Mean F1 of the labels that occur, as truth or as answer.
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
            answered: self.hit + self.wrong,
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
    let bins = bins(answers);
    ClassReport {
        count: answers.len(),
        accuracy: ratio(right, answers.len()),
        macro_f1: mean_f1(&classes),
        ece: ece(&bins, answers.len()),
        classes,
        confusion,
        bins,
        abstain: abstain(answers),
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
    let seen: Vec<f64> = scores.iter().filter(|s| s.occurs()).map(|s| s.f1).collect();
    // The sum of no numbers is -0.
    seen.iter().fold(0.0, |sum, f1| sum + f1) / seen.len().max(1) as f64
}

/// Bins of confidence.
const BINS: usize = 10;

fn bins(answers: &[(usize, usize, f32)]) -> Vec<Bin> {
    let mut sums = [(0usize, 0usize, 0f64); BINS];
    for (truth, answer, confidence) in answers {
        let at = ((confidence * BINS as f32) as usize).min(BINS - 1);
        if let Some((count, right, sum)) = sums.get_mut(at) {
            *count += 1;
            *right += usize::from(truth == answer);
            *sum += f64::from(*confidence);
        }
    }
    let bin = |(at, (count, right, sum)): (usize, &(usize, usize, f64))| Bin {
        from: at as f64 / BINS as f64,
        to: (at + 1) as f64 / BINS as f64,
        count: *count,
        confidence: sum / (*count).max(1) as f64,
        accuracy: ratio(*right, *count),
    };
    sums.iter().enumerate().map(bin).collect()
}

/// How far confidence is from accuracy, mean over the bins by their size.
fn ece(bins: &[Bin], answers: usize) -> f64 {
    let gaps = bins.iter().map(|bin| (bin.accuracy - bin.confidence).abs() * bin.count as f64);
    gaps.sum::<f64>() / answers.max(1) as f64
}

/// Steps of the abstain curve.
const STEPS: usize = 20;

fn abstain(answers: &[(usize, usize, f32)]) -> Vec<Abstain> {
    let mut sure: Vec<(f32, bool)> = answers.iter().map(|(t, a, confidence)| (*confidence, t == a)).collect();
    sure.sort_by(|a, b| b.0.total_cmp(&a.0));
    let point = |step: usize| {
        let given = sure.get(..(sure.len() * step).div_ceil(STEPS))?;
        let right = given.iter().filter(|(_, right)| *right).count();
        Some(Abstain {
            coverage: ratio(given.len(), sure.len()),
            confidence: f64::from(given.last()?.0),
            accuracy: ratio(right, given.len()),
        })
    };
    let mut points: Vec<Abstain> = (1..=STEPS).rev().filter_map(point).collect();
    points.dedup();
    points
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
        let filled: Vec<f64> = report.bins.iter().filter(|bin| bin.count == 1).map(|bin| bin.from).collect();
        assert_eq!((filled, report.bins.len()), (vec![0.5, 0.6, 0.7, 0.8, 0.9], 10));
        assert_eq!((report.bins[9].accuracy, report.bins[6].accuracy), (1.0, 0.0));
    }

    #[test]
    fn a_class_that_is_answered_and_never_true_counts_in_the_mean_and_one_that_does_not_occur_does_not() {
        // f1_score([0, 0, 1], [0, 2, 1], average="macro") of scikit-learn.
        let report = classes(&names(4), &[(0, 0, 0.9), (0, 2, 0.6), (1, 1, 0.8)]);
        assert!((report.macro_f1 - (2.0 / 3.0 + 1.0) / 3.0).abs() < 1e-9, "{}", report.macro_f1);
        let occurs: Vec<bool> = report.classes.iter().map(ClassScore::occurs).collect();
        assert_eq!(occurs, [true, true, true, false]);
        let report = labels(&names(3), &[true; 3], &[(vec![0], vec![0, 1])]);
        assert!((report.macro_f1 - 0.5).abs() < 1e-9, "{}", report.macro_f1);
    }

    #[test]
    fn abstaining_gives_up_the_least_sure_answers_first() {
        // The surest half is right, the rest is wrong.
        let answers: Vec<_> = (0..40).map(|n| (0, usize::from(n >= 20), 1.0 - n as f32 / 100.0)).collect();
        let report = classes(&names(2), &answers);
        let at =
            |coverage: f64| report.abstain.iter().find(|p| (p.coverage - coverage).abs() < 1e-9).unwrap();
        assert_eq!(report.abstain.len(), 20);
        assert_eq!((report.abstain[0].coverage, report.abstain[0].accuracy), (1.0, 0.5));
        assert_eq!((at(0.5).accuracy, at(0.8).accuracy), (1.0, 0.625));
        assert!((at(0.5).confidence - 0.81).abs() < 1e-6);
        assert!(classes(&names(2), &[]).abstain.is_empty());
    }

    #[test]
    fn what_never_occurs_scores_nothing_and_not_less() {
        let none = labels(&names(2), &[true; 2], &[(vec![], vec![])]);
        let reports = [none.macro_f1, none.micro_f1, classes(&names(2), &[]).macro_f1];
        assert_eq!(reports.map(|score| format!("{score:.3}")), ["0.000"; 3]);
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
