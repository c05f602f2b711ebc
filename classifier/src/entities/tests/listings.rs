//! Codes and tickers without a market: what makes them shares, and what does not.

use super::shipped::{ids, mentioned};

#[test]
fn digits_are_shares_beside_words_of_the_market_or_each_other() {
    let table: [(&str, &[&str]); 10] = [
        ("600519今日涨停", &["moutai"]),
        ("股票600519大跌", &["moutai"]),
        ("买入600519，迎接主升浪", &["moutai"]),
        ("00700今日收涨2%", &["tencent"]),
        ("港股00700跌逾3%", &["tencent"]),
        ("00700、09988齐跌", &["alibaba", "tencent"]),
        ("00700，09988", &["alibaba", "tencent"]),
        ("600519", &["moutai"]),
        ("600519 falls 3%", &["moutai"]),
        ("证券代码：600519", &["moutai"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn digits_that_count_or_measure_are_no_shares() {
    let table: [(&str, &[&str]); 16] = [
        ("sold 300120 shares", &[]),
        ("成交600519股，股价大跌", &[]),
        ("营收600519万元，上涨5%", &[]),
        ("股票热线电话：600519", &[]),
        ("QQ群600519涨停", &[]),
        ("指数收报600519点，下跌", &[]),
        ("截至600519", &[]),
        ("买入600000", &[]),
        ("20230519涨停", &[]),
        ("2023涨停", &[]),
        ("新增300750例，上涨", &[]),
        ("日经38000涨", &[]),
        ("600519.5涨", &[]),
        ("600519,000涨", &[]),
        ("010-600519涨停", &[]),
        ("编号000001、000002已发货", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_ticker_that_is_a_word_counts_before_shares_that_move() {
    let table: [(&str, &[&str]); 5] = [
        ("ON shares fall 5% after guidance", &["nasdaq_on"]),
        ("ARE stock falls", &["nyse_are"]),
        ("CAN shares jump 20%", &["nasdaq_can"]),
        ("GE shares jump on earnings beat", &["ge"]),
        ("MU earnings beat", &["micron"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_ticker_counts_behind_the_name_of_its_company() {
    let table: [(&str, &[&str]); 3] = [
        ("Canaan (CAN) up", &["nasdaq_can"]),
        ("Grocery Outlet (GO) falls", &["nasdaq_go"]),
        ("Alexandria Real Estate (ARE) falls", &["nyse_are"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_word_in_capitals_is_no_ticker_without_such_a_sign() {
    let table: [(&str, &[&str]); 11] = [
        ("CAN STOCKS RALLY?", &[]),
        ("WE ARE STOCK EXPERTS", &[]),
        ("ARE stock prices too high?", &[]),
        ("AR stocks to buy", &[]),
        ("AI stock falls", &[]),
        ("ALL shares fall", &[]),
        ("HP shares fall 5%", &["hp"]),
        ("Petronet LNG shares slump 4.5%", &[]),
        ("Augmented reality (AR) falls", &[]),
        ("Let us (GO) now", &[]),
        ("according to the New York Times (NYT)", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_code_with_a_market_or_a_dollar_is_its_share() {
    let table: [(&str, &[&str]); 10] = [
        ("$9988.HK", &["alibaba"]),
        ("$0700.HK", &["tencent"]),
        ("$600519.SH", &["moutai"]),
        ("HK:00700", &["tencent"]),
        ("HKG: 700", &["tencent"]),
        ("(SEHK: 5)", &["hsbc"]),
        ("HKEX: 700 falls", &["tencent"]),
        ("HSBC Holdings (HKEX: 5)", &["hsbc"]),
        ("HKEX: 5 things to know", &["hkex"]),
        ("HK: 2023 in review", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_bracket_behind_an_index_is_that_index() {
    let table: [(&str, &[&str]); 4] = [
        ("上证指数（000001）收跌1%", &["sse_composite"]),
        ("上证50（000016）上涨", &["sse50"]),
        ("中证消费指数（000932）下跌", &[]),
        ("平安银行（000001）收跌1%", &["pingan_bank"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn digits_count_behind_what_investors_do_and_behind_a_name() {
    let table: [(&str, &[&str]); 6] = [
        ("买600519", &["moutai"]),
        ("重仓300750", &["catl"]),
        ("某生物公司(00700)午后跌5%", &["tencent"]),
        ("编号(00700)", &[]),
        ("(00700)", &[]),
        ("买600000元的货", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_ticker_that_is_rated_is_a_share() {
    let table: [(&str, &[&str]); 6] = [
        ("Morgan Stanley upgrades ON to buy.", &["ms", "nasdaq_on"]),
        ("Broker downgrades GO to market-perform", &["nasdaq_go"]),
        ("Firm upgrades ON to market standards", &[]),
        ("Firm upgrades ON Monday", &[]),
        ("Broker upgrades UK to overweight", &[]),
        ("Broker downgrades IT to underweight", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_ticker_that_moves_or_is_traded_is_a_share() {
    let table: [(&str, &[&str]); 9] = [
        ("XOM +2%, CVX +1.5% premarket", &["chevron", "exxon"]),
        ("Top movers: NVDA +5.2%, TSLA -3.1%", &["nvidia", "tesla"]),
        ("GOOGL down 5% after hours", &["alphabet"]),
        ("YOLO'd into PLTR calls", &["palantir"]),
        ("long MSFT short INTC", &["intel", "microsoft"]),
        ("Upgrades: NFLX; Downgrades: INTC", &["intel", "netflix"]),
        ("CPI +0.5%, GDP -2%", &[]),
        ("IT +2% as banks slip", &[]),
        ("MSFT +3 on Windows", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn neither_a_word_nor_an_unsure_name_is_proved_by_itself() {
    assert_eq!(mentioned("IT spending to grow 8%, says Gartner"), ["Gartner"]);
    assert_eq!(mentioned("Gartner (IT) beats, IT rises"), ["Gartner", "IT", "IT"]);
    let table: [(&str, &[&str]); 4] = [
        ("Zimbabwe Corn Imports at 11-Year High as GM Ban Lifted", &[]),
        ("says Ann Lee, Daiwa AMC", &[]),
        ("GM and Stellantis face a strike", &["gm", "stellantis"]),
        ("JD Vance urges colleagues", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_listing_that_moved_is_the_one_of_today() {
    for (text, id) in
        [("NYSE: ETSY", "etsy"), ("NYSE: BNY", "bny_mellon"), ("NYSE: FLG", "new_york_community")]
    {
        assert_eq!(ids(text), [id], "{text}");
    }
}

#[test]
fn listings_in_several_places_are_of_one_company() {
    for (first, second) in [
        ("601066.SH", "6066.HK"),
        ("600029.SH", "1055.HK"),
        ("600115.SH", "0670.HK"),
        ("601800.SH", "1800.HK"),
        ("601319.SH", "1339.HK"),
        ("$WB", "9898.HK"),
        ("$PUK", "2378.HK"),
        ("$BZ up", "2076.HK"),
    ] {
        assert_eq!((ids(first).len(), ids(first)), (1, ids(second)), "{first} {second}");
    }
}
