//! Names that are words too, in the plain words of news: what makes them companies, and what does not.

use super::shipped::ids;

#[test]
fn bad_news_in_plain_words_keeps_its_company() {
    let table: [(&str, &[&str]); 14] = [
        ("Amazon slumps", &["amazon"]),
        ("Meta slumps 20%", &["meta"]),
        ("Target sinks after warning", &["target"]),
        ("Disney loses 4 million subscribers", &["disney"]),
        ("Disney must pay", &["disney"]),
        ("Zoom loses users", &["zoom"]),
        ("Visa loses case", &["visa"]),
        ("Apple loses appeal", &["apple"]),
        ("Apple slapped with EU fine", &["apple"]),
        ("Apple ordered to pay $500 million", &["apple"]),
        ("Apple downgraded to sell", &["apple"]),
        ("Apple warning hits suppliers", &["apple"]),
        ("Grocery Outlet cuts guidance, shares tumble", &["nasdaq_go"]),
        ("Canaan rises 12% as bitcoin rallies", &["bitcoin", "nasdaq_can"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn what_is_done_to_a_company_stands_before_its_name() {
    let table: [(&str, &[&str]); 5] = [
        ("Analysts cut Apple", &["apple"]),
        ("Buffett sells Apple", &["apple"]),
        ("Investors dump Apple", &["apple"]),
        ("EU Fines Apple Over App Rules", &["apple"]),
        ("Regulators Probe Visa", &["visa"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn words_are_no_companies_without_such_a_sign() {
    let table: [(&str, &[&str]); 14] = [
        ("An apple a day, and an Apple pie", &[]),
        ("Apple and orange fall from the tree", &[]),
        ("Gap narrows between rich and poor", &[]),
        ("Bill Cuts Gap Between Rich and Poor", &[]),
        ("Analysts Cut Target to $50", &[]),
        ("Target Raised: Tesla at $300", &["tesla"]),
        ("Target raised to $300 on strong demand", &[]),
        ("Inflation hits target", &[]),
        ("Buy Visa Gift Cards", &[]),
        ("Visa must be renewed", &[]),
        ("Visa warning for travellers", &[]),
        ("Canaan rises 12% in poll", &[]),
        ("Fed up with high prices", &[]),
        ("Shoppers are fed up of waiting", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn names_of_a_list_speak_for_each_other() {
    let table: [(&str, &[&str]); 6] = [
        ("Apple and Target fall", &["apple", "target"]),
        ("Apple and Meta both miss", &["apple", "meta"]),
        ("Ford and Gap cut jobs", &["ford", "gap"]),
        ("TESLA AND APPLE FALL", &["apple", "tesla"]),
        ("Apple-Google pact", &["alphabet", "apple"]),
        ("Apple, Ford and Gap cut jobs", &["apple", "ford", "gap"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_name_of_its_time_and_the_verbs_of_companies_are_known() {
    let table: [(&str, &[&str]); 8] = [
        ("Lucid's revenue falls short of estimates", &["lucid"]),
        ("Meta lays off 10,000 workers", &["meta"]),
        ("Carnival swings to profit", &["carnival"]),
        ("New Apple Leak Reveals Massive iPhone 15 Upgrade", &["apple"]),
        ("New apple, new Apple pie", &[]),
        ("Find insight on LG Electronics, Block and more", &["block"]),
        ("YouTube ad revenue falls", &["alphabet"]),
        ("The cat has a YouTube channel", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_company_talks_of_a_deal_and_does_what_companies_do() {
    let table: [(&str, &[&str]); 5] = [
        ("Paramount in merger talks with Warner Bros. Discovery", &["paramount", "warner_bros"]),
        ("Micron in talks for subsidies", &["micron"]),
        ("Disney inks deal", &["disney"]),
        ("Meta threatens to restrict news", &["meta"]),
        ("The gap in climate talks widens", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn companies_are_found_by_the_names_of_every_day() {
    let table: [(&str, &[&str]); 12] = [
        ("Accenture cuts 19,000 jobs", &["nyse_acn"]),
        ("Dropbox lays off 500", &["nasdaq_dbx"]),
        ("Shares of Ally Financial dropped", &["nyse_ally"]),
        ("Plug Power issues a warning", &["nasdaq_plug"]),
        ("Energy Transfer raises its payout", &["nyse_et"]),
        ("Air China resumes flights", &["sse_601111"]),
        ("Fosun sells assets", &["hkex_0656"]),
        ("Cathay Pacific returns to profit", &["hkex_0293"]),
        ("MicroStrategy buys more bitcoin", &["bitcoin", "nasdaq_mstr"]),
        ("迈瑞业绩下滑", &["szse_300760"]),
        ("增长实现新突破，公司股价大涨", &[]),
        ("SEC football returns", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_sister_company_is_not_the_listed_one() {
    for text in ["Samsung SDI shares fall 5%", "Hyundai Mobis slips", "三一集团", "爱茉莉太平洋股价大跌"]
    {
        assert_eq!(ids(text), [""; 0], "{text}");
    }
}
