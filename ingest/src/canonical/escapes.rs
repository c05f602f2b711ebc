//! One spelling for escapes that are the same: `%7e`, `%7E` and `~` are (RFC 3986, 6.2.2).

/// With the escapes of what needs none decoded, and the others in capitals.
pub(super) fn normal(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match escaped(part) {
            Some((byte, _, after)) if is_unreserved(byte) => {
                out.push(char::from(byte));
                out.push_str(after);
            }
            Some((_, digits, after)) => {
                out.push('%');
                out.push_str(&digits.to_ascii_uppercase());
                out.push_str(after);
            }
            None => {
                out.push('%');
                out.push_str(part);
            }
        }
    }
    out
}

/// The byte that the two digits stand for with which `text` begins, these, and what follows them.
fn escaped(text: &str) -> Option<(u8, &str, &str)> {
    let (digits, after) = text.split_at_checked(2)?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_number)?;
    Some((byte, digits, after))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_escape_has_none_and_the_rest_is_in_capitals() {
        for (text, expected) in [
            ("/%e9%93%b6/%7euser%2Da", "/%E9%93%B6/~user-a"),
            ("/a%2fb%3F%25%2541", "/a%2Fb%3F%25%2541"),
            ("/100%/%+5/%4", "/100%/%+5/%4"),
            ("/%银", "/%银"),
        ] {
            assert_eq!(normal(text), expected);
            assert_eq!(normal(expected), expected);
        }
    }
}
