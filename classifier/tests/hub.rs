//! A model by its name on the hub, from a hub on loopback. One test: it sets the
//! environment of its process.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tocsin_classifier::{Classifier, ClassifierConfig, Input};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tocsin-small")
}

/// Serves the shipped model as `tocsin/small`; anything else is 404.
fn answer(mut stream: TcpStream, bodies: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut request, mut range) = (String::new(), None);
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                range = value.trim().split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned()));
            }
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let file = path.strip_prefix("/tocsin/small/resolve/main/").map(|name| shipped().join(name));
        let Some(bytes) = file.and_then(|file| std::fs::read(file).ok()) else {
            write!(stream, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        };
        let total = bytes.len();
        let end = |text: &str| text.parse::<usize>().map_or(total, |last| total.min(last + 1));
        let (from, to) = range.map_or((0, total), |(a, b)| (a.parse().unwrap_or(0), end(&b)));
        let part = &bytes[from..to];
        bodies.fetch_add(usize::from(part.len() > 1), Ordering::Relaxed);
        write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nx-repo-commit: {COMMIT}\r\netag: \"{}\"\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{total}\r\n\r\n",
            path.len(),
            part.len(),
            to - 1,
        )?;
        stream.write_all(part)?;
    }
}

#[test]
fn a_model_is_fetched_from_the_hub_once_and_then_taken_from_the_cache() {
    let (listener, home) = (TcpListener::bind("127.0.0.1:0").unwrap(), tempfile::tempdir().unwrap());
    let (endpoint, bodies) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counted = bodies.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = counted.clone();
            std::thread::spawn(move || answer(stream, &counted));
        }
    });
    #[expect(unsafe_code, reason = "the only test of this process, before any thread reads the environment")]
    // SAFETY: the reason above; the threads of the hub read none.
    unsafe {
        std::env::set_var("HF_HOME", home.path());
        std::env::set_var("HF_ENDPOINT", endpoint);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = |model: &str| ClassifierConfig {
        model: PathBuf::from(model),
        entities: vec![root.join("config/entities")],
        taxonomy: root.join("config/taxonomy.toml"),
        ..ClassifierConfig::default()
    };
    let input = Input { text: "Profit rises at the mill".to_owned(), ..Input::default() };
    let classify = |model: &str| {
        let classifier = Classifier::open(&config(model)).unwrap();
        classifier.classify(std::slice::from_ref(&input))[0].sentiment
    };
    let local = classify(shipped().to_str().unwrap());
    assert_eq!(classify("hf://tocsin/small"), local);
    let fetched = bodies.load(Ordering::Relaxed);
    assert_eq!(fetched, 4, "config, tokenizer, weights and n-grams");
    assert_eq!(classify("hf://tocsin/small"), local);
    assert_eq!(bodies.load(Ordering::Relaxed), fetched, "nothing was fetched again");
    let error = Classifier::open(&config("hf://tocsin/large")).unwrap_err().to_string();
    assert!(error.contains("tocsin/large") && error.contains("404"), "{error}");
}
