//! Names of months.

use chrono::Month;

/// The number from 1 of the month whose English name `word` begins with: `Sep`, `sept.`, `SEPTEMBER`.
pub(crate) fn month(word: &str) -> Option<u32> {
    let month: Month = word.get(..3)?.parse().ok()?;
    Some(month.number_from_month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_letters_say_which() {
        assert_eq!(
            ["Sep", "sept.", "DECEMBER", "may,", "ju", "九月", "monday"].map(month),
            [Some(9), Some(9), Some(12), Some(5), None, None, None]
        );
    }
}
