use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn judged(guard: &Guard, url: &str) -> Result<(), Forbidden> {
    guard.judge_url(&Url::parse(url).unwrap())
}

#[test]
fn addresses_of_the_public_internet_are_public() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "100.128.0.1",
        "172.32.0.1",
        "2606:4700::1111",
        "2606:4700::5efe:8.8.8.8",
    ] {
        assert!(is_public(address(text)), "{text}");
    }
}

#[test]
fn every_other_address_is_not_however_it_is_written() {
    for text in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.9.9.9",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2606:4700::5efe:127.0.0.1",
        "2606:4700::200:5efe:10.0.0.1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address(text)), "{text}");
    }
}

#[test]
fn a_literal_address_in_a_url_is_judged_in_all_its_spellings() {
    let guard = Guard::default();
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "https://0/",
        "http://127.0.0.1:443/",
        "http://user@127.0.0.1/",
    ] {
        assert!(judged(&guard, url).is_err(), "{url}");
    }
    assert_eq!(judged(&guard, "https://example.com/hook"), Ok(()));
}

#[test]
fn only_http_is_spoken() {
    for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com:25/_MAIL"] {
        assert!(matches!(judged(&Guard::default(), url), Err(Forbidden::Scheme(_))), "{url}");
    }
}

#[test]
fn the_operator_can_list_a_place_with_its_port() {
    let guard = Guard::new(&["127.0.0.1:4567", "10.0.0.0/8", "hooks.internal", "[::1]:99"]).unwrap();
    assert_eq!(judged(&guard, "http://127.0.0.1:4567/hook"), Ok(()));
    assert!(judged(&guard, "http://127.0.0.1:4568/hook").is_err());
    assert_eq!(judged(&guard, "http://10.2.3.4/"), Ok(()));
    assert_eq!(judged(&guard, "http://[::1]:99/"), Ok(()));
    assert_eq!(guard.judge("hooks.internal", address("192.168.0.9"), 80), Ok(()));
    assert!(guard.judge("other.internal", address("192.168.0.9"), 80).is_err());
}

#[test]
fn an_entry_that_cannot_be_read_is_named() {
    for text in ["", "http://127.0.0.1", "127.0.0.1:x", "a b"] {
        assert!(Guard::new(&[text]).unwrap_err().contains(&format!("{text:?}")), "{text}");
    }
}

#[test]
fn a_refusal_does_not_show_the_path() {
    let refusal = judged(&Guard::default(), "http://127.0.0.1/secret?token=1").unwrap_err().to_string();
    assert!(refusal.contains("127.0.0.1") && !refusal.contains("secret"));
}
