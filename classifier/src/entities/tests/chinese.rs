//! Chinese names: where one ends, what stands before it, and words that are goods or trades.

use super::shipped::ids;

#[test]
fn a_name_ends_where_the_longer_one_does() {
    let table: [(&str, &[&str]); 10] = [
        ("中国平安银行信用卡投诉", &["pingan_bank"]),
        ("中国银行股价大跌5%", &["boc"]),
        ("中国银行股份有限公司公告", &["boc"]),
        ("中国银行股普遍上涨", &[]),
        ("中国银行业协会", &[]),
        ("工行理财亏损", &["icbc"]),
        ("中行原油宝", &["boc"]),
        ("施工行业、员工行为、其中行情", &[]),
        ("保监会规范险企", &["cbirc"]),
        ("网易有道涨2.7%", &["nyse_dao"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn what_investors_do_stands_before_a_name() {
    let table: [(&str, &[&str]); 7] = [
        ("分析师看好苹果", &["apple"]),
        ("巴菲特减持苹果", &["apple"]),
        ("收购高通被否", &["qualcomm"]),
        ("分析师看好中国石油", &["petrochina"]),
        ("看好中国石油市场", &[]),
        ("分析师看好机器人", &[]),
        ("看好农产品", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn goods_and_trades_that_rise_are_no_companies() {
    let table: [(&str, &[&str]); 9] = [
        ("国内商品期货收盘，苹果涨超6%", &[]),
        ("苹果大涨，纸浆下跌", &[]),
        ("苹果大涨，微软下跌", &["apple", "microsoft"]),
        ("农产品涨价潮来袭", &[]),
        ("农产品基金涨超0.9%", &[]),
        ("机器人领涨两市", &[]),
        ("新希望亏损", &["szse_000876"]),
        ("新希望：8月生猪销售收入16亿元", &["szse_000876"]),
        ("商贩上门收购苹果", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn long_names_of_a_list_and_marked_short_ones_need_no_other_sign() {
    let table: [(&str, &[&str]); 6] = [
        ("中国石油、中国石化、中国海油“三桶油”走强", &["cnooc", "petrochina", "sinopec"]),
        ("中国石油需求、中国石化产业", &[]),
        ("*ST万方：拟增持子公司", &["szse_000638"]),
        ("万方数据", &[]),
        ("新希望债务高企", &["szse_000876"]),
        ("三一被罚500万元", &["sse_600031"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_short_name_of_a_listed_company_counts_where_the_market_speaks_of_it() {
    let table: [(&str, &[&str]); 7] = [
        ("中国建筑中标大单", &["sse_601668"]),
        ("李宁跌近4%", &["hkex_2331"]),
        ("安踏、李宁走强", &["hkex_2020", "hkex_2331"]),
        ("体操运动员李宁出席活动", &[]),
        ("长安相比吉利和长城", &["geely", "gwm"]),
        ("福特、通用、丰田召回", &["ford", "gm", "toyota"]),
        ("面向大众发布", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}
