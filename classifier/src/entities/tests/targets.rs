//! Where in a text a target stands that the caller names.

use super::{linker, shipped};

#[test]
fn a_target_is_found_by_any_of_its_names() {
    let linker = linker();
    assert_eq!(linker.places("Depositors flee SVB", "Silicon Valley Bank"), [(16, 19)]);
    assert_eq!(linker.places("Depositors flee SVB", "NASDAQ:SIVB"), [(16, 19)]);
    assert_eq!(linker.places("茅台股价走低", "600519"), [(0, 2)]);
    assert_eq!(linker.places("foobar and foobar", "FOOBAR"), [(0, 6), (11, 17)]);
    assert!(linker.places("nothing here", "Silicon Valley Bank").is_empty());
    for code in ["$SIVB", "NASDAQ: SIVB", "sivb"] {
        assert_eq!(linker.places("Depositors flee SVB", code), [(16, 19)], "{code}");
    }
    for code in ["00700", "0700.HK", "hk00700"] {
        assert_eq!(linker.places("腾讯大跌", code), [(0, 2)], "{code}");
    }
    assert_eq!(linker.places("茅台股价走低", "600519.SH"), [(0, 2)]);
}

#[test]
fn a_target_is_found_by_its_name_in_a_register() {
    let found = |text: &str, name: &str| !linker().places(text, name).is_empty();
    for name in ["Meta Platforms, Inc.", "Meta Platforms Inc", "META PLATFORMS, INC."] {
        assert!(found("Facebook is fined", name), "{name}");
    }
    assert!(found("腾讯大跌", "腾讯控股有限公司") && found("腾讯大跌", "腾讯-W"));
    assert!(found("苹果公司被罚", "Apple Inc."));
    let long = "x".repeat(100_000);
    for other in ["Facebook Gaming", "腾讯音乐", "Tencent Meta Platforms", "Inc.", long.as_str()] {
        assert!(!found("Facebook, Tencent and 腾讯 fall", other), "{}", other.len());
    }
}

#[test]
fn a_target_does_not_begin_or_end_within_a_word() {
    let linker = linker();
    let starts = |text: &str, name: &str| -> Vec<u32> {
        linker.places(text, name).into_iter().map(|(start, _)| start).collect()
    };
    assert!(starts("Augmented reality is a growing segment; GM2 too", "GM").is_empty());
    assert_eq!(starts("segment: GM's, $GM, GM.N (GM)", "GM"), [9, 16, 20, 26]);
    assert_eq!(starts("Metals and Facebook", "Meta"), [11], "by another name");
    assert!(starts("Pineapple juice", "Apple").is_empty());
    assert_eq!(starts("apple pie by Apple, 苹果Apple手机", "Apple"), [13, 22], "the case of the caller");
    assert_eq!(starts("APPLE and apple", "Apple"), [0, 10], "any case where his is nowhere");
    assert_eq!(starts("看好贵州茅台酒", "茅台"), [4]);
    assert_eq!(starts("sells $NWND today", "$NWND"), [6]);
}

#[test]
fn a_target_that_is_a_word_is_found_where_the_company_is_meant() {
    let text = "Price Target Raised: Target shares jump, says Target";
    assert_eq!(shipped::places(text, "Target"), [(21, 27), (46, 52)]);
    assert_eq!(shipped::places("Price Target and Target Date", "Target"), [(6, 12), (17, 23)]);
    assert_eq!(shipped::places("一路平安！平安股价大跌", "平安"), [(5, 7)]);
}
