//! Names that two share, or that mean something else most of the time.

use super::shipped::ids;

#[test]
fn an_index_moves_and_an_exchange_or_a_rater_acts() {
    let table: [(&str, &[&str]); 15] = [
        ("Nasdaq tumbles 3%", &["ixic"]),
        ("The Nasdaq fell 2% while the Dow gained", &["dji", "ixic"]),
        ("纳斯达克大跌3%", &["ixic"]),
        ("Nasdaq to delist Zyxovar", &["nasdaq"]),
        ("Nasdaq drops plan to list coins", &["nasdaq"]),
        ("S&P cuts France's rating", &["sp_global"]),
        ("S&P downgrades Evergrande", &["evergrande", "sp_global"]),
        ("S&P cuts losses", &["spx"]),
        ("S&P tumbles 2%", &["spx"]),
        ("S&P 500, Dow and Nasdaq close higher", &["dji", "ixic", "spx"]),
        ("Nasdaq closes higher", &["ixic"]),
        ("Nasdaq futures fall", &["ixic"]),
        ("纳斯达克走势已尽", &["ixic"]),
        ("S&P 500 falls, and a broker lists on the Nasdaq", &["nasdaq", "spx"]),
        ("纳斯达克上市", &["nasdaq"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn ping_an_is_an_insurer_where_the_market_speaks_of_it() {
    let table: [(&str, &[&str]); 5] = [
        ("平安股价大跌", &["pingan"]),
        ("平安：一季度净利润增长10%", &["pingan"]),
        ("平安跌3%", &["pingan"]),
        ("平安人寿保费增长", &["pingan"]),
        ("国寿、平安、太保保费下降", &["chinalife", "cpic", "pingan"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn peace_is_no_insurer() {
    let table: [(&str, &[&str]); 9] = [
        ("一路平安", &[]),
        ("平安夜", &[]),
        ("平安无事", &[]),
        ("平安回家", &[]),
        ("祝大家平安，股市大涨，腾讯大涨", &["tencent"]),
        ("祝股东们岁岁平安，公司业绩大涨", &[]),
        ("平安证券：看好腾讯", &["tencent"]),
        ("平安银行股价大跌", &["pingan_bank"]),
        ("28日银保监会表示", &["cbirc"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn chinese_names_count_before_recalls_and_orders() {
    let table: [(&str, &[&str]); 4] = [
        ("强生召回药品", &["jnj"]),
        ("空客获大单", &["airbus"]),
        ("强生获知此事后", &[]),
        ("今年苹果获得大丰收", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}
