//! Labels under the guide of the annotated set, beside it. Texts mostly belong to others: a line
//! names its text by a sum, and the text is looked up in the files that its user has. Owns the
//! form of such files and of the text that a sum is of.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::data::{Example, Goal, files, is_guided};
use super::row::guided;
use super::texts::{cut, lines, shown, sum};
use crate::document::fault;
use crate::error::{ClassifierError, Result};
use crate::heads::{EVENTS, NAME_EVENT, SENTIMENT, TOPICS};
use crate::taxonomy::Taxonomy;

/// The set that these examples are of.
pub(crate) const SET: &str = "labelled";
/// How much such a text counts where `head` is fitted, in annotated ones: it follows the same convention, a
/// little less well, and there are nine of them to one annotated text, on texts much like those of sets that
/// follow their own. With .2 for the sentiment of a text, topics and the event of a name, sets lose more than with
/// these shares (Twitter .859 and .867, FinFE .721 and .728, topics of Twitter .824 and .834, event of a name .954 and
/// .957); of annotated texts only topics in Chinese gain (.916 and .911). Risk events are told by few annotated texts:
/// there .2 costs .017 in English and .068 in Chinese. Fine-tuning takes it like any public text.
pub(super) fn share(head: &str) -> f32 {
    match head {
        EVENTS => 0.5,
        SENTIMENT | TOPICS => 0.1,
        NAME_EVENT => 0.05,
        _ => 0.2,
    }
}

/// One line. Ids are those of the taxonomy; offsets count characters.
#[derive(Debug, Deserialize)]
struct Labels {
    #[serde(flatten)]
    text: Text,
    lang: String,
    sentiment: String,
    topics: Vec<String>,
    events: Vec<String>,
    entities: Vec<Place>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Text {
    /// First digits of the SHA-256 of the text.
    Of(String),
    /// The text itself.
    Text(String),
}

#[derive(Debug, Deserialize)]
struct Place {
    start: usize,
    end: usize,
    sentiment: String,
    role: String,
}

impl Labels {
    /// `Err`: what of it is not in the taxonomy or not in the text.
    fn example(&self, text: String, taxonomy: &Taxonomy) -> Result<Example, String> {
        let characters: Vec<char> = text.chars().collect();
        let entity = |place: &Place| {
            let name = characters.get(place.start..place.end).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| {
                format!("entity {} to {} of {} characters", place.start, place.end, characters.len())
            })?;
            let name: String = name.iter().collect();
            Ok(json!({ "name": name, "sentiment": place.sentiment, "role": place.role }))
        };
        let entities: Vec<Value> = self.entities.iter().map(entity).collect::<Result<_, String>>()?;
        let row = json!({
            "sentiment": self.sentiment, "topics": self.topics, "events": self.events, "entities": entities,
        });
        let mut example =
            guided(&row, Example { lang: self.lang.clone(), text, ..Example::default() }, taxonomy)?;
        SET.clone_into(&mut example.set);
        Ok(example)
    }
}

/// Examples of the lines of `labels` that have a text, or whose text is in the `.jsonl` files under
/// `roots`; dev texts are not searched. They do not answer what one of `sets`, the examples of the same
/// roots, answers for the same text, but for its events.
/// An error when texts are wanted and not one of them is there.
pub(super) fn joined(
    labels: &[PathBuf],
    roots: &[PathBuf],
    sets: &[Example],
    taxonomy: &Taxonomy,
) -> Result<Vec<Example>> {
    let (mut missing, mut found) = (HashMap::new(), Vec::new());
    for path in labels {
        for (number, line) in lines(path)? {
            let unfit = |reason: String| unfit(path, number, &reason);
            let line: Labels = serde_json::from_str(&line).map_err(|e| unfit(fault(&e)))?;
            match &line.text {
                Text::Text(text) => found.push(line.example(text.clone(), taxonomy).map_err(unfit)?),
                Text::Of(sum) if missing.contains_key(sum) => {
                    return Err(unfit(format!("the text {sum} was labelled before")));
                }
                Text::Of(sum) => drop(missing.insert(sum.clone(), (path, number, line))),
            }
        }
    }
    let wanted = missing.len();
    for file in texts(roots).take_while(|_| wanted > 0) {
        for (_, row) in lines(&file?)? {
            let Some(text) = serde_json::from_str(&row).ok().as_ref().and_then(shown) else { continue };
            let Some((path, number, labels)) = missing.remove(&sum(&text)) else { continue };
            found.push(labels.example(text, taxonomy).map_err(|e| unfit(path, number, &e))?);
        }
    }
    if let Some((path, ..)) = missing.values().next().filter(|_| missing.len() == wanted) {
        let reason = format!("none of the {wanted} texts of the labels is in {roots:?}");
        return Err(ClassifierError::unfit(path, "file of labels for these texts", reason));
    }
    if !missing.is_empty() {
        let missing = missing.len();
        tracing::warn!(missing, wanted, "{missing} of the {wanted} texts of the labels are not in the data");
    }
    settle(sets, &mut found);
    Ok(found)
}

/// Takes from `labelled` what `sets` answer for the same text, but for its events ([`yielded`]): a set follows a
/// convention of its own, and two answers for one text would teach neither.
fn settle(sets: &[Example], labelled: &mut [Example]) {
    let mut own: HashMap<String, Vec<&Example>> = HashMap::new();
    for example in sets.iter().filter(|_| !labelled.is_empty()) {
        own.entry(cut(&example.text)).or_default().push(example);
    }
    for example in labelled {
        for set in own.get(&example.text).into_iter().flatten() {
            example.sentiment = example.sentiment.filter(|_| set.sentiment.is_none());
            example.topics = unanswered(example.topics.take(), set.topics.as_ref());
            for target in &mut example.targets {
                for named in set.targets.iter().filter(|t| t.name.eq_ignore_ascii_case(&target.name)) {
                    target.sentiment = target.sentiment.filter(|_| named.sentiment.is_none());
                    target.event = target.event.filter(|_| named.event.is_none());
                }
            }
        }
    }
}

/// Takes the events of a text from a public set where the guide tells them: a set tells the event of one
/// company. (Of 3,636 such texts the guide finds that event in 74 % of those that have one, 1.2 others in each of
/// them, and an event in 75 % of those that have none.)
pub(super) fn yielded(examples: &mut [Example]) {
    let is_told = |e: &&Example| !e.dev && is_guided(&e.set) && e.events.is_some();
    let told: HashSet<String> = examples.iter().filter(is_told).map(|e| cut(&e.text)).collect();
    let yields = |e: &&mut Example| !e.dev && !is_guided(&e.set) && told.contains(&cut(&e.text));
    examples.iter_mut().filter(yields).for_each(|example| example.events = None);
}

/// What of `goal` is left when the labels that `answered` knows are unknown to it.
fn unanswered(goal: Option<Goal>, answered: Option<&Goal>) -> Option<Goal> {
    let mut goal = goal?;
    let known = |at: usize| answered.and_then(|a| a.weights.get(at)).is_some_and(|weight| *weight > 0.0);
    goal.weights.iter_mut().enumerate().filter(|(at, _)| known(*at)).for_each(|(_, weight)| *weight = 0.0);
    Some(goal).filter(|goal| goal.covered().contains(&true))
}

/// Files that may hold the texts. What is named by itself is read as dev texts, but for `train.jsonl`.
fn texts(roots: &[PathBuf]) -> impl Iterator<Item = Result<PathBuf>> {
    let is_named =
        |name: &str| Path::new(name).extension().is_some_and(|e| e == "jsonl") && name != "dev.jsonl";
    let is_searched = |root: &&PathBuf| !root.is_file() || root.ends_with("train.jsonl");
    roots.iter().filter(is_searched).flat_map(move |root| match files(root, &is_named) {
        Ok(found) => found.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    })
}

fn unfit(path: &Path, number: usize, reason: &str) -> ClassifierError {
    ClassifierError::unfit_line(path, "file of labels", number, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::data::{Target, read};
    use crate::train::texts::SHOWN;

    const NEWS: &str = r#"{"title": " Nordbank fails ", "description": "Runs  on\nNordbank."}"#;
    const CHINESE: &str =
        r#"{"text": "讯：万州银行遭挤兑", "label": "negative", "lang": "zh", "set": "xueqiu"}"#;

    /// A data folder with news, a set of one text and an annotated dev text.
    fn data() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        let dev = r#"{"text": "Held out!", "lang": "en", "sentiment": "neutral", "topics": [], "events": [], "entities": []}"#;
        for (file, line) in
            [("replay/news.jsonl", NEWS), ("sentiment/train.jsonl", CHINESE), ("annotated/dev.jsonl", dev)]
        {
            let path = data.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{line}\n")).unwrap();
        }
        data
    }

    fn line(text: &str, entity: (usize, usize)) -> String {
        let (of, (start, end)) = (sum(text), entity);
        format!(
            r#"{{"of": "{of}", "lang": "en", "sentiment": "negative", "topics": ["financials"], "events": ["withdrawal_difficulty"], "entities": [{{"start": {start}, "end": {end}, "sentiment": "negative", "role": "subject"}}]}}"#
        )
    }

    fn read_with(lines: &[String]) -> Result<Vec<Example>> {
        let data = data();
        let labels = data.path().join("labels");
        std::fs::write(&labels, lines.join("\n")).unwrap();
        let taxonomy = Taxonomy::read(Path::new("../config/taxonomy.toml")).unwrap();
        let all = read(&[data.path().to_owned()], &[labels], &taxonomy)?;
        Ok(all.into_iter().filter(|example| example.set == SET).collect())
    }

    #[test]
    fn a_label_finds_its_text_in_news_and_in_sets() {
        let news = line("Nordbank fails - Runs on Nordbank.", (0, 8));
        let found = read_with(&[line("讯：万州银行遭挤兑", (2, 6)), news]).unwrap();
        let named: Vec<_> =
            found.iter().map(|e| (e.text.as_str(), e.targets[0].name.as_str(), e.sentiment)).collect();
        let wanted = [
            ("Nordbank fails - Runs on Nordbank.", "Nordbank", Some(0)),
            ("讯：万州银行遭挤兑", "万州银行", None),
        ];
        assert_eq!(named, wanted);
        assert!(found.iter().all(|e| !e.dev && e.weight == 4.0 && e.events.is_some()));
        assert_eq!([EVENTS, "topics"].map(|head| found[0].weight_for(head)), [2.0, 0.4]);
    }

    #[test]
    fn what_a_set_answers_for_its_own_text_stands_but_for_events() {
        let goal =
            |weights: [f32; 3]| Goal { labels: vec![1.0, 0.0, 0.0], weights: weights.into(), first: None };
        let named = |name: &str, sentiment, event| Target {
            name: name.into(),
            sentiment,
            event,
            weight: 1.0,
            ..Target::default()
        };
        let set = Example {
            text: format!("{}。", "甲".repeat(SHOWN)),
            events: Some(goal([1.0, 0.3, 0.0])),
            topics: Some(goal([1.0, 0.3, 0.1])),
            targets: vec![named("nordbank", None, Some(2))],
            ..Example::default()
        };
        let mut labelled = Example {
            text: "甲".repeat(SHOWN),
            sentiment: Some(1),
            events: Some(goal([1.0; 3])),
            topics: Some(goal([1.0; 3])),
            targets: vec![named("Nordbank", Some(0), Some(1)), named("Other", Some(1), Some(1))],
            ..Example::default()
        };
        let other = Example { text: "乙".into(), ..labelled.clone() };
        let mut both = [labelled.clone(), other.clone()];
        settle(std::slice::from_ref(&set), &mut both);
        labelled.topics = None;
        labelled.targets[0].event = None;
        assert_eq!(both, [labelled.clone(), other]);

        SET.clone_into(&mut labelled.set);
        let dev = Example { dev: true, ..set.clone() };
        let mut annotated = Example { set: "annotated".into(), text: "丙".into(), ..labelled.clone() };
        let told = Example { text: "丙".into(), ..set.clone() };
        annotated.topics = None;
        let mut all = [set.clone(), labelled, dev, told, annotated, Example { text: "丁".into(), ..set }];
        yielded(&mut all);
        assert_eq!(all.map(|e| e.events.is_some()), [false, true, true, false, true, true]);
    }

    #[test]
    fn a_text_that_stands_beside_its_labels_is_not_looked_up() {
        let own = line("x", (0, 3)).replace(&format!(r#""of": "{}""#, sum("x")), r#""text": "Own text.""#);
        let found = read_with(&[own]).unwrap();
        assert_eq!((found[0].text.as_str(), found[0].targets[0].name.as_str()), ("Own text.", "Own"));
    }

    #[test]
    fn dev_texts_are_not_labelled_and_texts_that_are_not_there_are_left_out() {
        let found = read_with(&[
            line("Held out!", (0, 4)),
            line("elsewhere", (0, 1)),
            line("讯：万州银行遭挤兑", (2, 6)),
        ]);
        assert_eq!(found.unwrap().len(), 1);
        let none = read_with(&[line("Held out!", (0, 4))]).unwrap_err().to_string();
        assert!(none.contains("none of the 1 texts"), "{none}");
    }

    #[test]
    fn a_dev_file_that_is_named_by_itself_is_not_searched() {
        let data = data();
        let roots = ["annotated/dev.jsonl", "sentiment/train.jsonl"].map(|file| data.path().join(file));
        let found: Vec<PathBuf> = texts(&roots).collect::<Result<_>>().unwrap();
        assert_eq!(found, [data.path().join("sentiment/train.jsonl")]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let good = || line("讯：万州银行遭挤兑", (2, 6));
        let bad = |of: &str, to: &str| line("Nordbank fails - Runs on Nordbank.", (0, 8)).replace(of, to);
        for (line, told) in [
            ("{}".to_owned(), ""),
            (bad("negative\", \"topics", "bad\", \"topics"), "bad"),
            (bad("withdrawal_difficulty", "withdrawal"), "withdrawal"),
            (bad("\"end\": 8", "\"end\": 800"), "0 to 800 of 34"),
            (bad("topics", "topic"), "topics"),
            (good(), "before"),
        ] {
            let error = read_with(&[good(), String::new(), line]).unwrap_err().to_string();
            assert!(error.contains("line 3") && error.contains(told), "{error}");
        }
    }
}
