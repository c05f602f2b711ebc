use std::collections::BTreeMap;

use tocsin_contract::ModelInfo;

use super::*;
use crate::eval::metrics;

fn report() -> EvalReport {
    let names = ["negative", "neutral", "positive"].map(str::to_owned);
    let answers: Vec<(usize, usize, f32)> = (0..90)
        .map(|n| (n % 3, if n % 4 == 0 { (n + 1) % 3 } else { n % 3 }, 0.4 + n as f32 / 200.0))
        .collect();
    let scored = metrics::classes(&names, &answers);
    let slices = ["all", "lang en", "set fiqa"].map(|slice| (slice.to_owned(), scored.clone()));
    EvalReport {
        model: ModelInfo { name: "m".into(), version: "1".into(), quantization: "int8".into() },
        texts: 90,
        sentiment: slices.into_iter().collect(),
        negative: BTreeMap::new(),
        name_sentiment: BTreeMap::new(),
        name_negative: BTreeMap::new(),
        name_event: BTreeMap::new(),
        topics: BTreeMap::new(),
        top_topic: BTreeMap::new(),
        risk_events: BTreeMap::new(),
    }
}

#[test]
fn the_svg_names_model_slices_classes_and_sets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.svg");
    Picture::new(&path).unwrap().draw(&report()).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
    for wanted in ["m 1 (int8), 90 texts", "lang en (90)", "neutral", "sentiment, fiqa", "0.744"] {
        assert!(text.contains(wanted), "{wanted} is not in the picture");
    }
}

#[test]
fn the_png_is_one_and_shows_text_and_colours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.PNG");
    Picture::new(&path).unwrap().draw(&report()).unwrap();
    let mut reader =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), SIZE);
    let count = |wanted: fn(&[u8]) -> bool| pixels.chunks_exact(3).filter(|pixel| wanted(pixel)).count();
    assert!(count(|p| p == [0, 0, 0]) > 1000, "letters are black");
    assert!(count(|p| p == [31, 119, 180]) > 100, "curves are blue");
    assert!(count(|p| p == [255, 255, 255]) > 500_000, "paper is white");
}

#[test]
fn with_many_sets_it_is_so_high_that_their_names_do_not_overlap() {
    let mut report = report();
    let scored = report.sentiment["all"].clone();
    report.sentiment.extend((0..60).map(|n| (format!("set s{n:02}"), scored.clone())));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.svg");
    Picture::new(&path).unwrap().draw(&report).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let height = |name: &str| -> i64 {
        let at = lines.iter().position(|line| line.trim() == name).unwrap();
        let y = lines[at - 1].split_once(" y=\"").unwrap().1.split_once('"').unwrap().0;
        y.parse().unwrap()
    };
    assert!((0..59).all(|n| {
        height(&format!("sentiment, s{:02}", n + 1)) - height(&format!("sentiment, s{n:02}")) >= 14
    }));
}

#[test]
fn another_kind_of_file_is_refused_by_name() {
    let error = Picture::new(Path::new("report.pdf")).unwrap_err().to_string();
    assert!(error.contains("report.pdf") && error.contains(".svg or .png"), "{error}");
}

#[test]
fn a_picture_in_a_folder_that_is_not_there_is_refused_before_anything_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let error = Picture::new(&folder.path().join("no/report.svg")).unwrap_err().to_string();
    assert!(error.contains("there is no folder") && error.contains("report.svg"), "{error}");
    assert!(Picture::new(Path::new("report.svg")).is_ok());
}
