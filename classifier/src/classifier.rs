//! The classifier as other rooms see it: open once, classify many. Blocking; the
//! same input gives the same bytes, alone or in any company.

mod labels;

use std::time::{Duration, Instant};

use candle_core::{DType, Device};
use tocsin_contract::{Entity, ModelInfo, RiskEvent, Sentiment, TopicScore};

use crate::config::{ClassifierConfig, find};
use crate::document::{AllScores, Input, Output, TargetSentiment, is_blank, round, sentiment};
use crate::encoder::{Encoder, Scratch, States};
use crate::entities::{Linked, Linker};
use crate::error::{ClassifierError, Result};
use crate::features;
use crate::folder::{self, Fingerprint, Watch};
use crate::heads::{EVENTS, Heads, NAME_EVENT, NAME_SENTIMENT, SENTIMENT, TOPICS, softmax};
use crate::model::{self, ModelConfig, TOKENIZER};
use crate::ngrams::{self, Cut, Ngrams};
use crate::taxonomy::{NONE, Taxonomy};
use crate::tensor::TensorEncoder;
use crate::tokens::{Encoded, Tokens, batches};
use labels::{at_most, scored, selected};

/// Most topics and most events of one document, as in the annotation guide.
const MOST_TOPICS: usize = 5;
const MOST_EVENTS: usize = 3;

/// Texts that one thread prepares before it takes others.
const TOGETHER: usize = 64;

/// A loaded model with its dictionary. Shared by threads.
#[derive(Debug)]
pub struct Classifier {
    config: ModelConfig,
    encoder: Encoder,
    /// Where the encoder runs instead, if asked.
    gpu: Option<TensorEncoder>,
    tokens: Tokens,
    heads: Heads,
    ngrams: Ngrams,
    linker: Linker,
    taxonomy: Taxonomy,
    threads: usize,
    token_budget: usize,
    gpu_token_budget: usize,
    watch: Watch,
}

/// How long each step of one call took on the clock, and how much it read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Tokens of all texts, marks included.
    pub tokens: usize,
    /// Cutting texts into tokens, and looking for names in them.
    pub prepare: Duration,
    /// Encoder and heads.
    pub model: Duration,
}

/// One document on its way through.
struct Prepared {
    /// There is nothing to read: the model abstains, and selects nothing.
    blank: bool,
    encoded: Encoded,
    cut: Cut,
    linked: Vec<Linked>,
    /// Where each target stands.
    targets: Vec<Vec<(u32, u32)>>,
}

/// A name as the heads see it.
struct Named {
    features: Vec<f32>,
    /// Whether the model read it; else the text stands in.
    read: bool,
}

impl Classifier {
    /// Reads the model folder, the taxonomy and the entity dictionaries. An error names the file that is missing or
    /// does not fit, or the device that is not there.
    pub fn open(config: &ClassifierConfig) -> Result<Self> {
        let device = gpu(config)?;
        let folder = config.model_folder()?;
        let state = Fingerprint::of(&folder);
        let model = ModelConfig::read(&folder)?;
        folder::verify(&folder, &model.sha256)?;
        // First what needs most memory only while it is read: the weights then fill it.
        let linker = Linker::read(&config.entities)?;
        let longest = config.max_tokens.min(model.max_tokens).min(model.encoder.max_position_embeddings);
        let tokens = Tokens::read(&folder.join(TOKENIZER), longest)?;
        let ngrams = Ngrams::read(&folder, &model)?;
        let (weights, heads) = model::read(&folder, &model)?;
        let taxonomy = find(&config.taxonomy).unwrap_or_else(|| config.taxonomy.clone());
        let encoder = Encoder::new(weights, &model.taps);
        let gpu = device.map(|device| TensorEncoder::new(&encoder, &device, half(&device))).transpose();
        Ok(Self {
            gpu: gpu.map_err(|e| absent(config, e))?,
            encoder,
            tokens,
            linker,
            taxonomy: Taxonomy::read(&taxonomy)?,
            threads: crate::pool::threads(config.threads),
            token_budget: config.token_budget,
            gpu_token_budget: config.gpu_token_budget,
            config: model,
            heads,
            ngrams,
            watch: Watch::new(folder, state),
        })
    }

    pub const fn model(&self) -> &ModelInfo {
        &self.config.info
    }

    pub const fn taxonomy(&self) -> &Taxonomy {
        &self.taxonomy
    }

    pub const fn linker(&self) -> &Linker {
        &self.linker
    }

    /// Tells when the folder that this model was read from holds another one.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// About how many tokens a text has, from its characters alone; at most as many as the
    /// model reads.
    pub fn estimate_tokens(&self, text: &str) -> usize {
        self.tokens.estimate(text)
    }

    /// One output for each input, in order. Blocks; takes `threads` cores.
    pub fn classify(&self, inputs: &[Input]) -> Vec<Output> {
        self.classify_timed(inputs).0
    }

    /// As [`Self::classify`], with what it took.
    pub fn classify_timed(&self, inputs: &[Input]) -> (Vec<Output>, Pace) {
        let started = Instant::now();
        let chunks: Vec<&[Input]> = inputs.chunks(TOGETHER).collect();
        let prepared = crate::pool::map(
            self.threads,
            &chunks,
            || (),
            |(), chunk| chunk.iter().map(|input| self.prepare(input)).collect::<Vec<_>>(),
        );
        let prepared: Vec<Prepared> = prepared.into_iter().flatten().collect();
        let lengths: Vec<usize> = prepared.iter().map(|p| p.encoded.ids.len()).collect();
        let budget = if self.gpu.is_some() { self.gpu_token_budget } else { self.token_budget };
        let groups = batches(&lengths, budget);
        let (tokens, prepare) = (lengths.iter().sum(), started.elapsed());
        let parts = crate::pool::map(self.threads, &groups, Scratch::default, |scratch, group| {
            self.batch(scratch, group, inputs, &prepared)
        });
        let mut outputs: Vec<(usize, Output)> = parts.into_iter().flatten().collect();
        outputs.sort_by_key(|(index, _)| *index);
        let outputs = outputs.into_iter().map(|(_, output)| output).collect();
        (outputs, Pace { tokens, prepare, model: started.elapsed() - prepare })
    }

    fn prepare(&self, input: &Input) -> Prepared {
        let whole = input.whole();
        Prepared {
            blank: is_blank(&whole),
            encoded: self.tokens.encode(&whole),
            cut: ngrams::cut(&whole),
            linked: self.linker.link(&whole, input.title_length()),
            targets: input.targets.iter().map(|name| self.linker.places(&whole, name)).collect(),
        }
    }

    fn batch(
        &self,
        scratch: &mut Scratch,
        group: &[usize],
        inputs: &[Input],
        all: &[Prepared],
    ) -> Vec<(usize, Output)> {
        let texts: Vec<&[u32]> =
            group.iter().filter_map(|i| Some(all.get(*i)?.encoded.ids.as_slice())).collect();
        self.encode(&texts, scratch);
        let one = |(at, index): (usize, &usize)| {
            let output = self.output(scratch.states(at), inputs.get(*index)?, all.get(*index)?);
            Some((*index, output))
        };
        group.iter().enumerate().filter_map(one).collect()
    }

    /// A batch that fails on the GPU runs on the CPU.
    fn encode(&self, texts: &[&[u32]], scratch: &mut Scratch) {
        match self.gpu.as_ref().map(|gpu| gpu.forward(texts, scratch)) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, texts = texts.len(), "batch of {} texts failed on the GPU", texts.len());
                self.encoder.forward(texts, scratch);
            }
            None => self.encoder.forward(texts, scratch),
        }
    }

    fn output(&self, states: States<'_>, input: &Input, prepared: &Prepared) -> Output {
        let document = features::document(states);
        let spans = &prepared.encoded.spans;
        let named = |ranges: &[(u32, u32)]| Named {
            features: features::mention(states, spans, ranges),
            read: features::is_read(spans, ranges),
        };
        let entity = |linked: &Linked| {
            let ranges: Vec<(u32, u32)> = linked.mentions.iter().map(|m| (m.start, m.end)).collect();
            self.entity(linked, &named(&ranges))
        };
        let targets = input.targets.iter().zip(&prepared.targets);
        let cut = &prepared.cut;
        let (topics, events, abstain_below) = if prepared.blank {
            (0, 0, f32::INFINITY)
        } else {
            (MOST_TOPICS, MOST_EVENTS, self.config.abstain_below)
        };
        let all = AllScores {
            topics: at_most(topics, self.topics(&document, cut), |t| t.p),
            events: at_most(events, self.events(&document, cut), |e| e.p),
        };
        Output {
            id: input.id.clone(),
            sentiment: sentiment(&softmax(&self.blended(SENTIMENT, &document, cut)), abstain_below),
            topics: selected(&all.topics, |t| t.p),
            risk_events: selected(&all.events, |e| e.p),
            entities: prepared.linked.iter().map(entity).collect(),
            targets: targets.map(|(text, ranges)| self.target(text, &named(ranges))).collect(),
            model: self.config.info.clone(),
            all,
            embedding: features::embedding(states),
            tokens: prepared.encoded.ids.len(),
        }
    }

    fn logits(&self, head: &str, features: &[f32]) -> Vec<f32> {
        self.heads.0.get(head).map(|h| h.logits(features)).unwrap_or_default()
    }

    /// The logits of a head of the whole text, n-grams added where the model has them.
    fn blended(&self, head: &str, document: &[f32], cut: &Cut) -> Vec<f32> {
        let mut logits = self.logits(head, document);
        if let Some((scores, blends)) = self.ngrams.0.get(head).zip(self.config.blends.get(head)) {
            blends.of(cut.script).apply(&mut logits, &scores.logits(cut));
        }
        logits
    }

    /// What is said of a name; unsure where the model did not read it.
    fn judge_name(&self, name: &Named) -> Sentiment {
        let p = softmax(&self.logits(NAME_SENTIMENT, &name.features));
        let said = sentiment(&p, self.config.names_bound());
        Sentiment { abstain: said.abstain || !name.read, ..said }
    }

    fn entity(&self, linked: &Linked, name: &Named) -> Entity {
        let known = &linked.entity;
        Entity {
            id: known.id.to_string(),
            symbol: known.symbol(),
            symbols: known.symbols.iter().map(ToString::to_string).collect(),
            name: known.name.to_string(),
            kind: known.kind,
            role: linked.role,
            relevance: linked.relevance,
            sentiment: self.judge_name(name),
            mentions: linked.mentions.clone(),
        }
    }

    fn target(&self, text: &str, name: &Named) -> TargetSentiment {
        let p = softmax(&self.logits(NAME_EVENT, &name.features));
        let mut scored = self.config.events.iter().zip(&p);
        // What the text tells of others is no event of a name that was not read.
        let best = if name.read {
            scored.max_by(|a, b| a.1.total_cmp(b.1))
        } else {
            scored.find(|(rule, _)| rule.id == NONE)
        };
        let best = best.map(|(rule, p)| (rule.id.clone(), round(*p)));
        let (event, p) = best.unwrap_or_else(|| (NONE.to_owned(), 0.0));
        TargetSentiment {
            text: text.to_owned(),
            sentiment: self.judge_name(name),
            risk_event: RiskEvent { event, p },
        }
    }

    fn topics(&self, document: &[f32], cut: &Cut) -> Vec<(TopicScore, bool)> {
        let scored = scored(&self.config.topics, self.blended(TOPICS, document, cut));
        scored.map(|(id, p, on)| (TopicScore { topic: id, p }, on)).collect()
    }

    fn events(&self, document: &[f32], cut: &Cut) -> Vec<(RiskEvent, bool)> {
        let scored = scored(&self.config.events, self.blended(EVENTS, document, cut));
        scored.map(|(id, p, on)| (RiskEvent { event: id.clone(), p }, on && id != NONE)).collect()
    }
}

/// What the device multiplies fastest without losing range.
fn half(device: &Device) -> DType {
    if device.supports_bf16() { DType::BF16 } else { DType::F32 }
}

/// The device that the configuration names; `None` for the CPU.
fn gpu(config: &ClassifierConfig) -> Result<Option<Device>> {
    match config.device.as_str() {
        "cpu" => Ok(None),
        "cuda" if !candle_core::utils::cuda_is_available() => {
            Err(absent(config, "this binary was compiled without the feature cuda; set device = \"cpu\""))
        }
        "cuda" => Device::new_cuda(0).map(Some).map_err(|e| absent(config, e)),
        _ => Err(absent(config, "it takes cpu or cuda")),
    }
}

fn absent(config: &ClassifierConfig, reason: impl ToString) -> ClassifierError {
    ClassifierError::Device { asked: config.device.clone(), reason: reason.to_string() }
}
