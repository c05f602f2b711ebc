//! The shipped model on clear-cut sentences, and what every caller relies on:
//! order, determinism, names; and, line by line, the filter.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod filter;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tocsin_classifier::{Classifier, ClassifierConfig, Input};
use tocsin_contract::{Role, SentimentLabel};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn classifier() -> &'static Classifier {
    static SHARED: OnceLock<Classifier> = OnceLock::new();
    SHARED.get_or_init(|| {
        let config = ClassifierConfig {
            model: root("models/tocsin-small"),
            entities: vec![root("config/entities")],
            taxonomy: root("config/taxonomy.toml"),
            threads: 2,
            ..ClassifierConfig::default()
        };
        Classifier::open(&config).unwrap()
    })
}

fn text(text: &str) -> Input {
    Input { text: text.to_owned(), ..Input::default() }
}

#[test]
fn clear_cut_sentences_are_judged_as_anyone_would() {
    use SentimentLabel::{Negative, Positive};
    let table = [
        ("Shares plunge after bank collapses and regulators seize deposits", Negative),
        ("Company files for bankruptcy after failing to repay its debt", Negative),
        ("Profit falls sharply, company warns of layoffs", Negative),
        ("Shares soar as quarterly earnings beat expectations", Positive),
        ("Company raises full-year guidance after record profit", Positive),
        ("公司净利润大幅增长，创历史新高", Positive),
        ("中标重大合同，股价涨停", Positive),
        ("公司涉嫌财务造假，被证监会立案调查", Negative),
        ("债券违约，股价暴跌跌停", Negative),
    ];
    let outputs = classifier().classify(&table.iter().map(|(t, _)| text(t)).collect::<Vec<_>>());
    for ((sentence, label), output) in table.iter().zip(&outputs) {
        assert_eq!(output.sentiment.label, *label, "{sentence}: {:?}", output.sentiment);
    }
}

/// The plain language of company announcements, which hardly any labelled set has.
#[test]
fn what_fell_is_bad_news_and_what_rose_is_good() {
    use SentimentLabel::{Negative, Positive};
    let measures = [
        "Operating profit",
        "Net sales",
        "Profit before taxes",
        "Pre-tax profit",
        "Turnover",
        "Group revenue",
    ];
    let changes = [
        ("fell to EUR 12.5 mn from EUR 15.3 mn .", Negative),
        ("decreased by 9 % to EUR 12.5 mn .", Negative),
        ("fell to $12.5 million from $15.3 million", Negative),
        ("rose to EUR 15.3 mn from EUR 12.5 mn .", Positive),
        ("increased by 9 % to EUR 15.3 mn .", Positive),
        ("rose to $15.3 million from $12.5 million", Positive),
    ];
    for (change, label) in changes {
        let sentences = measures.map(|measure| text(&format!("{measure} {change}")));
        let right = classifier().classify(&sentences).iter().filter(|o| o.sentiment.label == label).count();
        assert!(right + 1 >= measures.len(), "{change}: {right} of {} are {label:?}", measures.len());
    }
}

#[test]
fn clear_cut_topics_and_events_are_named() {
    let topics = [
        (
            "Federal Reserve raises interest rates by a quarter point, Powell signals more hikes",
            "central_banks",
        ),
        ("Oil prices rise as OPEC cuts crude output", "energy"),
        ("Bitcoin and ether tumble as crypto exchange halts withdrawals", "crypto"),
        ("商品房销售面积下降，多家房企楼盘降价", "real_estate"),
    ];
    for (sentence, topic) in topics {
        let output = &classifier().classify(&[text(sentence)])[0];
        assert!(output.topics.iter().any(|t| t.topic == topic), "{sentence}: {:?}", output.topics);
    }
    let events = [
        ("Silicon Valley Bank collapses after a run on deposits; regulators take over", "default_bankruptcy"),
        ("Tech company lays off 10,000 workers in biggest job cuts ever", "layoffs_strike"),
        ("控股股东拟减持公司5%股份", "control_change"),
    ];
    for (sentence, event) in events {
        let output = &classifier().classify(&[text(sentence)])[0];
        assert!(output.risk_events.iter().any(|e| e.event == event), "{sentence}: {:?}", output.risk_events);
    }
    let quiet = &classifier().classify(&[text("The annual meeting will be held on 12 May in Zurich")])[0];
    assert!(quiet.risk_events.is_empty(), "{:?}", quiet.risk_events);
}

#[test]
fn the_same_input_gives_the_same_bytes_alone_and_in_any_batch() {
    let sentences = [
        "Silicon Valley Bank shares fall 60% as depositors withdraw $42 billion",
        "公司净利润大幅增长",
        "",
        "Apple's iPhone sales beat expectations; Tesla recalls 2 million cars",
        "x",
        "美联储加息25个基点，美股三大指数收跌，银行股领跌，第一共和银行跌超30%，市场担忧蔓延",
    ];
    let inputs: Vec<Input> = sentences.iter().map(|s| text(s)).collect();
    let many: Vec<Input> = inputs.iter().cycle().take(100).cloned().collect();
    let bytes = |o: &tocsin_classifier::Output| (serde_json::to_string(o).unwrap(), o.embedding.clone());
    let together = classifier().classify(&many);
    for (index, input) in inputs.iter().enumerate() {
        let alone = bytes(&classifier().classify(std::slice::from_ref(input))[0]);
        for copy in together.iter().skip(index).step_by(inputs.len()) {
            assert_eq!(bytes(copy), alone);
        }
    }
}

#[test]
fn an_empty_list_and_an_endless_text_are_no_trouble() {
    assert!(classifier().classify(&[]).is_empty());
    let long = "Shares fell. ".repeat(20_000);
    let output = &classifier().classify(&[text(&long)])[0];
    assert!(
        (output.sentiment.negative + output.sentiment.neutral + output.sentiment.positive - 1.0).abs() < 1e-5
    );
}

#[test]
fn a_text_without_anything_to_read_is_not_judged() {
    for blank in ["", " \n", "\u{200b}"] {
        let output = &classifier().classify(&[text(blank)])[0];
        assert!(
            output.sentiment.abstain && output.topics.is_empty() && output.risk_events.is_empty(),
            "{output:?}"
        );
        assert!(output.all.topics.len() == 30 && output.all.topics.iter().all(|(_, selected)| !selected));
    }
    let titled = Input { title: Some("Shares of the bank plunge".to_owned()), ..text("") };
    assert!(!classifier().classify(&[titled])[0].sentiment.abstain);
}

#[test]
fn two_companies_of_one_sentence_are_judged_apart() {
    let input = Input {
        title: Some("Boeing shares plunge after crash while Airbus wins record order".to_owned()),
        targets: vec!["Airbus".to_owned(), "Boeing".to_owned(), "Nobody Inc".to_owned()],
        ..Input::default()
    };
    let output = &classifier().classify(&[input])[0];
    let of = |id: &str| output.entities.iter().find(|e| e.id == id).unwrap();
    assert_eq!(of("boeing").role, Role::Subject);
    assert!(of("boeing").sentiment.score < of("airbus").sentiment.score, "{:?}", output.entities);
    let asked: Vec<&str> = output.targets.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(asked, ["Airbus", "Boeing", "Nobody Inc"]);
    assert_eq!(of("boeing").symbol, "NYSE:BA");
}

#[test]
fn the_answer_for_a_name_that_the_model_did_not_read_abstains() {
    let before = "The mill files for bankruptcy after a run on its deposits, prosecutors said. ".repeat(60);
    let far = Input {
        text: format!("{before}Boeing opened a museum."),
        targets: vec!["Boeing".to_owned(), "Nobody Inc".to_owned()],
        ..Input::default()
    };
    let outputs = classifier().classify(&[far, text("Boeing shares plunge after crash")]);
    let abstains = |at: usize| {
        let boeing = outputs[at].entities.iter().find(|e| e.id == "boeing").unwrap();
        boeing.sentiment.abstain
    };
    assert_eq!((abstains(0), abstains(1)), (true, false));
    for target in &outputs[0].targets {
        assert!(target.sentiment.abstain && target.risk_event.event == "none", "{target:?}");
    }
}

#[test]
fn white_space_before_a_text_takes_nothing_from_it() {
    let plain = "Boeing shares plunge after crash";
    let spaced = format!("{}{plain}", " \n".repeat(2_500));
    let outputs = classifier().classify(&[text(plain), text(&spaced)]);
    assert_eq!(outputs[0].sentiment, outputs[1].sentiment);
    assert_eq!(outputs[1].entities[0].mentions[0].start, 5_000);
    assert!(!outputs[1].entities[0].sentiment.abstain, "{:?}", outputs[1].entities);
    let estimates = [plain, &spaced].map(|text| classifier().estimate_tokens(text));
    assert!(estimates[1] <= estimates[0] + 1, "{estimates:?}");
}

/// The shipped model with some settings of its folder changed, and one file of entities.
fn changed(entities: &str, change: impl FnOnce(&mut serde_json::Value)) -> Classifier {
    let folder = tempfile::tempdir().unwrap();
    for file in ["model.safetensors", "ngrams.safetensors", "tokenizer.json"] {
        std::fs::copy(root("models/tocsin-small").join(file), folder.path().join(file)).unwrap();
    }
    let config = std::fs::read_to_string(root("models/tocsin-small/config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    change(&mut config);
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let config = ClassifierConfig {
        model: folder.path().to_owned(),
        entities: vec![root("config/entities").join(entities)],
        taxonomy: root("config/taxonomy.toml"),
        ..ClassifierConfig::default()
    };
    Classifier::open(&config).unwrap()
}

#[test]
fn texts_are_cut_where_the_model_says() {
    let short = changed("demo.toml", |config| config["max_tokens"] = 16.into());
    let long = text(&"Shares fell. ".repeat(100));
    assert_eq!(short.classify(std::slice::from_ref(&long))[0].tokens, 16);
    assert_eq!(classifier().classify(&[long])[0].tokens, 256);
}

#[test]
fn names_have_a_bound_of_their_own_or_that_of_texts() {
    for (texts, names, abstain) in [
        (0.0_f32, Some(1.1_f32), [false, true]),
        (1.1, Some(0.0), [true, false]),
        (1.1, None, [true, true]),
        (0.0, None, [false, false]),
    ] {
        let bounded = changed("companies.toml", |config| {
            config["abstain_below"] = texts.into();
            config["abstain_names_below"] = names.into();
        });
        let output = bounded.classify(&[text("Boeing shares plunge after crash")]).remove(0);
        let said = [output.sentiment.abstain, output.entities[0].sentiment.abstain];
        assert_eq!(said, abstain, "{texts} {names:?}");
    }
}

#[test]
fn the_fictional_bank_of_the_demo_is_known() {
    for sentence in ["Harrowgate Bank halts withdrawals", "哈罗盖特银行暂停提款"] {
        let output = &classifier().classify(&[text(sentence)])[0];
        assert_eq!(output.entities[0].id, "harrowgate_bank");
        assert_eq!(output.entities[0].symbol, "private");
        assert_eq!(output.entities[0].sentiment.label, SentimentLabel::Negative, "{sentence}");
    }
}

#[test]
fn the_model_is_at_most_fifty_megabytes() {
    let size = |name: &str| std::fs::metadata(root("models/tocsin-small").join(name)).unwrap().len();
    let bytes: u64 = ["model.safetensors", "ngrams.safetensors", "tokenizer.json"].map(size).iter().sum();
    assert!(bytes <= 50_000_000, "{bytes}");
}

#[test]
fn a_device_that_is_not_there_is_refused_by_name() {
    let config = ClassifierConfig {
        device: "cuda".to_owned(),
        model: root("models/tocsin-small"),
        ..ClassifierConfig::default()
    };
    let error = Classifier::open(&config).unwrap_err().to_string();
    assert!(error.contains("\"cuda\""), "{error}");
}

#[test]
fn tokens_are_those_of_the_library() {
    let path = root("models/tocsin-small/tokenizer.json");
    let library = tokenizers::Tokenizer::from_file(&path).unwrap();
    let ours = tocsin_classifier::tokens::Tokens::read(&path, 512).unwrap();
    let texts = [
        "Shares of Acme Steel (ACME) fell 3.5% after hours; $ACME, naïve café ﬁnance ½",
        "贵州茅台（600519）净利润增长15%，股价创历史新高。ＡＢＣ　全角",
        "mixed 中英 text\twith\nbreaks  and   spaces 🚀🔥 ﷽ \u{200b}zero",
        "<s> marks </s> and <mask> in a text ▁▁ _",
        "",
        " ",
        "Σίσυφος Привет こんにちは ሰላም 𓀀𓀁 unknown",
    ];
    for text in texts {
        let (wanted, found) = (library.encode_char_offsets(text, true).unwrap(), ours.encode(text));
        let spans: Vec<_> = wanted.get_offsets().iter().map(|(s, e)| (*s as u32, *e as u32)).collect();
        assert_eq!((found.ids.as_slice(), found.spans), (wanted.get_ids(), spans), "{text}");
    }
    assert_eq!(ours.mask(), library.token_to_id("<mask>"));
}
