//! What may ring: the budget, and the least evidence that is needed.

/// The settings that decisions depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// False alerts a day that the operator accepts, over all subjects.
    pub false_alerts_per_day: f64,
    /// The test of volume is made from this many negative documents in an hour on.
    pub min_volume: f64,
    /// The test of tone is made from this many negative documents in an hour on.
    pub min_tone: f64,
    /// Both tests, on the first day of a new subject, are made from this many on.
    pub min_first_day: f64,
    /// The same for a new subject that was not heard of though its partition was watched for a week.
    pub min_first_day_after_silence: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            false_alerts_per_day: 1.0,
            min_volume: 3.0,
            min_tone: 5.0,
            min_first_day: 10.0,
            min_first_day_after_silence: 5.0,
        }
    }
}

impl Rules {
    pub fn check(&self) -> Result<(), String> {
        if !(self.false_alerts_per_day > 0.0 && self.false_alerts_per_day <= 1000.0) {
            return Err("[alerting] false_alerts_per_day must lie above 0 and at most at 1000".into());
        }
        let least = [self.min_volume, self.min_tone, self.min_first_day, self.min_first_day_after_silence];
        if least.iter().any(|min| !(min.is_finite() && *min >= 1.0)) {
            return Err("[alerting] min_volume, min_tone and min_first_day* must be at least 1".into());
        }
        Ok(())
    }
}
