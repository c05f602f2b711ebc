//! What the subcommands of the classifier take.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use tocsin_classifier::heads::ALL;

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// Folder of the model, or hf://owner/name, with @revision where it is not the newest; the shipped one by default.
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// cpu, or cuda where it was compiled in.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    /// Worker threads; by default one a core.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// List every topic and event with its probability and whether it was selected.
    #[arg(long)]
    pub(crate) all: bool,
    /// Name the words that carried the sentiment: how much less probable it is without each.
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Folder of the base encoder, or its name on the hub, as in intfloat/multilingual-e5-small.
    #[arg(long)]
    pub(crate) base: PathBuf,
    /// Folders with the labelled sets (sentiment/, topic/, ...), train.jsonl and dev.jsonl in each; a file of another
    /// name counts as dev texts.
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// Files of labels kept apart from their texts, which are looked up in DATA.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) labels: Vec<PathBuf>,
    /// A larger model, or hf://owner/name, whose answers for all training texts are learned beside the labels.
    #[arg(long, requires = "finetune", value_name = "MODEL")]
    pub(crate) teacher: Option<PathBuf>,
    /// Files of texts (JSON lines with text, or title and description) that the teacher is to answer as well, all of
    /// them in each pass.
    #[arg(long, requires = "teacher", num_args = 1.., value_name = "FILE")]
    pub(crate) unlabelled: Vec<PathBuf>,
    /// Folder for the model, its card and the training log.
    #[arg(long)]
    pub(crate) out: PathBuf,
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Fine-tune the encoder before the heads are trained.
    #[arg(long)]
    pub(crate) finetune: bool,
    /// Fine-tune anew, though OUT/finetune holds a run that was cut off; its checkpoints are removed.
    #[arg(long, requires = "finetune")]
    pub(crate) from_scratch: bool,
    /// Passes over the data while fine-tuning.
    #[arg(long, default_value_t = 1, requires = "finetune")]
    pub(crate) epochs: usize,
    /// Fine-tuning ends after so many minutes; the rates fall in time for it.
    #[arg(long, requires = "finetune")]
    pub(crate) minutes: Option<f64>,
    /// Peak rate of the top layer while fine-tuning; less (6e-5) to train on with an encoder that knows most already.
    #[arg(long, default_value_t = 1.5e-4, requires = "finetune")]
    pub(crate) rate: f32,
    /// Fine-tuning ends when so many checkpoints in a row are no better on dev than one before; 0: never.
    #[arg(long, default_value_t = 0, requires = "finetune")]
    pub(crate) patience: usize,
    /// Most training texts of each public set in one pass, and a third as many dev texts for the heads; 0 is all.
    #[arg(long, default_value_t = 9000)]
    pub(crate) cap: usize,
    /// Every so-manieth training text is left out of fine-tuning, and the heads are fitted on these alone: 5 holds a
    /// fifth back, 0 nothing. Without --finetune: of an encoder that was fine-tuned with the same number.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) held_back: usize,
    /// Worker threads; by default one a core.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// How many of the encoder's layers to keep, from the bottom; 0 is all.
    #[arg(long, default_value_t = 0)]
    pub(crate) layers: usize,
    /// Keep the encoder of BASE, a model of Tocsin, and these of its heads (all without a list); n-grams,
    /// temperatures and thresholds are made anew.
    #[arg(long, conflicts_with_all = ["finetune", "layers"], num_args = 0.., value_delimiter = ',',
        value_parser = PossibleValuesParser::new(ALL))]
    pub(crate) keep_heads: Option<Vec<String>>,
    /// Share of the words hidden from the texts that heads are fitted on: the encoder may know these by heart.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) masked: f32,
    /// Keeps what the encoder makes of the texts, so that a repeated run goes on from it.
    #[arg(long)]
    pub(crate) features: Option<PathBuf>,
    /// The version that the model names itself, as in 0.3.0; by default that of this program.
    #[arg(long)]
    pub(crate) model_version: Option<String>,
    /// Also keep the model in f16, in OUT/f16, for `tocsin quantize` to start from.
    #[arg(long)]
    pub(crate) keep_f16: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Folder of the model, or hf://owner/name; the shipped one by default.
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// Labelled files (JSON lines), of which every row counts; folders, of which the dev.jsonl files do.
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also draw calibration, abstaining, confusion and scores by set, as .svg or .png.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AverageArgs {
    /// Folder of an encoder, as `tocsin train --finetune` leaves one in OUT/finetune/encoder.
    #[arg(long)]
    pub(crate) first: PathBuf,
    /// Folder of another, tuned from the same base.
    #[arg(long)]
    pub(crate) second: PathBuf,
    /// How much the second one counts, from 0 to 1.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) share: f32,
    /// Folder for the mean, for `tocsin train --base` to fit heads on.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("steps").required(true).multiple(true).args(["drop_layers", "prune_vocab", "int8"]))]
pub(crate) struct QuantizeArgs {
    /// Folder of a model, f16 or f32 at best (`tocsin train --keep-f16` leaves one in OUT/f16), or hf://owner/name.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Folder for the smaller model.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Layers to leave out, from 1, as in 3,5.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(crate) drop_layers: Vec<usize>,
    /// Keep only tokens that these texts use (JSON lines, or plain lines), and single characters.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) prune_vocab: Vec<PathBuf>,
    /// Store the encoder's matrices as bytes with a scale a row.
    #[arg(long)]
    pub(crate) int8: bool,
    /// Name of the smaller model; by default that of the model it is made from.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::args::Cli;

    fn is_taken(arguments: &[&str]) -> bool {
        let train = ["tocsin", "train", "--base", "b", "--data", "d", "--out", "o"];
        Cli::try_parse_from(train.iter().chain(arguments).copied()).is_ok()
    }

    #[test]
    fn what_is_said_of_fine_tuning_is_refused_without_it() {
        for arguments in [
            ["--epochs", "3"],
            ["--minutes", "90"],
            ["--rate", "6e-5"],
            ["--patience", "4"],
            ["--teacher", "t"],
        ] {
            assert!(!is_taken(&arguments), "{arguments:?}");
            assert!(is_taken(&[arguments[0], arguments[1], "--finetune"]), "{arguments:?}");
        }
        assert!(is_taken(&["--cap", "0"]) && !is_taken(&["--from-scratch"]));
    }
}
