//! Who a text is about, and who only tells what it thinks of another.

use tocsin_contract::Role;

use super::shipped::role;

#[test]
fn whoever_rates_another_is_a_mention_and_the_rated_one_the_subject() {
    let table = [
        ("高盛下调特斯拉评级", 0, "gs", "tesla"),
        ("高盛：维持特斯拉买入评级", 0, "gs", "tesla"),
        ("高盛下调特斯拉评级\n详情如下", 9, "gs", "tesla"),
        ("Goldman Sachs downgrades Tesla to sell", 0, "gs", "tesla"),
        ("Goldman Sachs downgrades Tesla to sell\nThe bank sees risks", 38, "gs", "tesla"),
        ("Goldman Sachs analysts cut Tesla price target", 0, "gs", "tesla"),
        ("Moody's cuts Boeing to junk", 0, "moodys", "boeing"),
        ("According to Citi, Boeing will cut jobs", 0, "citi", "boeing"),
        ("Tesla downgraded by Goldman Sachs", 0, "gs", "tesla"),
    ];
    for (text, title, rater, rated) in table {
        let found = (role(text, title, rater), role(text, title, rated));
        assert_eq!(found, (Some(Role::Mention), Some(Role::Subject)), "{text}");
    }
}

#[test]
fn a_company_that_cuts_something_else_stays_the_subject() {
    for (text, id) in [
        ("Boeing cuts jobs after Airbus wins order", "boeing"),
        ("Tesla raises prices as Ford cuts them", "tesla"),
        ("Tesla downgraded as Boeing gains", "tesla"),
    ] {
        assert_eq!(role(text, 0, id), Some(Role::Subject), "{text}");
    }
}

#[test]
fn a_short_chinese_text_is_read_as_chinese() {
    assert_eq!(role("腾讯大跌", 0, "tencent"), Some(Role::Subject));
    assert_eq!(role("高盛维持腾讯", 0, "gs"), Some(Role::Mention));
    assert_eq!(role("Tencent (腾讯) falls as 高盛 sells", 0, "tencent"), Some(Role::Subject));
}
