//! Words by which a name is told from the same word in another sense. English lists are
//! parted by spaces, and begin and end with one. Knows nothing of names.

/// After a name: what companies do and have, and what is done to them.
pub(super) const DEEDS: &str = " says said say sees saw will has had is was are to plans plan announces announced announcing \
    reports reported unveils unveiled launches launched cuts cut raises raised beats beat misses missed sues sued \
    acquires acquired buys bought sells sold wins won adds posts posted expects hires hired fires faces \
    agrees agreed recalls recalled warns warned tops jumps falls fell rises rose drops slides surges gains \
    slips climbs tumbles plunges soars rallies gets makes offers introduces explores considers suspends halts \
    delays opens closes pays slashes boosts lifts trims hikes may could would can might wants tells told denies \
    confirms joins partners taps names axes backs thinks hit rebuffs accused pauses scraps abandons \
    loses lost fails failed struggles stumbles disappoints settles appeals sheds cancels withdraws pulls ditches \
    dumps exits restates freezes shutters suffers reaffirms defaults \
    slapped ordered fined downgraded upgraded probed investigated hacked delisted subpoenaed penalized raided \
    lays laid swings swung guides guided rejects rejected mulls weighs appoints ousts invests expands doubles triples \
    completes seeks nears blocks blocked clears approves bans banned restores restored removes removed estimates \
    issues issued shuts walks pledges vows urges awards awarded bets builds commits debuts defends delivers develops \
    discloses donates eyes extends files inks integrates investigates licenses notches obtains outlines prepares \
    proposes receives recovers refinances releases renews replaces resumes reveals revises rolls scales secures signs \
    snags spends splits submits surpasses swaps tests threatens touts unloads updates overtakes nixes merges \
    restructures repurchases upsizes discontinues reorganizes divests ";
/// After a name: its price moves. In one company's form, or past.
pub(super) const MOVES: &str = " falls fell rises rose drops dropped jumps jumped slides slid surges surged gains gained \
    slips slipped climbs climbed tumbles tumbled plunges plunged soars soared rallies rallied slumps slumped \
    sinks sank plummets plummeted crashes crashed dives dived dips dipped eases eased retreats retreated skids \
    skidded nosedives rebounds rebounded leaps leapt craters cratered skyrockets skyrocketed advances advanced ";
/// The same, and more, as several names do it, or shares.
pub(super) const PLURAL: &str = " fall rise drop jump slide surge gain slip climb tumble plunge soar rally slump sink \
    plummet crash dive dip ease retreat rebound leap advance beat miss cut report post warn raise lose ";
/// Behind a verb that moves a price, unless a number or nothing does: in `drops a plan` it moves none.
pub(super) const AFTER_MOVE: &str = " as on after to by in for amid ahead and with more over nearly about another at \
    below above into past sharply slightly further again while almost despite before following since this ";
/// After a name and "must": what a court or an authority asks of a company.
pub(super) const MUST: &str = " pay face sell stop divest refund compensate disclose repay defend ";
pub(super) const GOODS: &str = " inc inc. corp corp. co ltd plc group holdings shares share stock stocks ceo cfo coo chief \
    executive chairman president boss founder co-founder earnings profit profits revenue sales results quarter quarterly \
    employees workers staff investors shareholders customers users executives stores bonds debt ipo merger deal lawsuit layoffs ";
/// After a name: what befalls a company.
pub(super) const EVENTS: &str =
    " warning woes selloff sell-off downgrade upgrade takeover buyout rout slump suppliers supplier ";
/// What a company cuts, raises or misses, and no one else.
pub(super) const FIGURES: &str =
    " guidance outlook forecast forecasts estimates dividend earnings revenue profit eps ";
/// Before a name: what is done to companies.
pub(super) const DONE: &str = " dump dumps dumped ditch ditches ditched cut cuts downgrade downgrades downgraded \
    upgrade upgrades upgraded fine fines fined sue sues sued probe probes probed investigate investigates \
    investigated accuse accuses accused sell sells sold buy buys bought short shorts slam slams ";
/// Before a name: what it is, and what may stand before any name.
pub(super) const KINDS: &str = " maker giant owner parent company retailer automaker carmaker chipmaker insurer manufacturer \
    rival rivals startup lender airline producer operator ";
pub(super) const LINKS: &str = " than like sues against buy sell short long at by with from via unit acquire acquires acquired \
    invest backs ceo firm bank of and for ";
/// Before a word that is no name.
pub(super) const ARTICLES: &str = " a an the this that these those your my his her their our its no any every each some new \
    first last big next more most per one two three ";
/// Those of them that stand before names in headlines too.
pub(super) const NEWS: &str = " new some first last big next more most ";
/// Anywhere near.
pub(super) const BUSINESS: [&str; 34] = [
    "share",
    "stock",
    "earnings",
    "profit",
    "revenue",
    "sales",
    "quarter",
    "ceo",
    "cfo",
    "inc",
    "corp",
    "plc",
    "ltd",
    "company",
    "bank",
    "analyst",
    "investor",
    "market cap",
    "dividend",
    "acqui",
    "merger",
    "layoff",
    "lawsuit",
    "antitrust",
    "ipo",
    "upgrade",
    "downgrade",
    "price target",
    "shareholder",
    "chip",
    "ev maker",
    "retailer",
    "automaker",
    "tech giant",
];
/// Near a name that gains or loses percents of votes.
pub(super) const VOTES: [&str; 6] = ["poll", "vote", "voter", "survey", "election", "ballot"];
/// Directly after a Chinese name, for and against.
pub(super) const FOLLOWS: [&str; 123] = [
    "股份",
    "集团",
    "公司",
    "公告",
    "股价",
    "控股",
    "董事",
    "总裁",
    "高管",
    "大股东",
    "股东",
    "实控人",
    "官方",
    "官网",
    "财报",
    "年报",
    "业绩",
    "营收",
    "净利",
    "市值",
    "员工",
    "手机",
    "汽车",
    "旗下",
    "发布",
    "宣布",
    "回应",
    "表示",
    "透露",
    "推出",
    "收购",
    "起诉",
    "被罚",
    "被诉",
    "裁员",
    "召回",
    "获批",
    "获准",
    "获大单",
    "获订单",
    "获增持",
    "获减持",
    "获纳入",
    "获上调",
    "获买入",
    "获融资",
    "获注资",
    "获投资",
    "涨",
    "大涨",
    "收涨",
    "跌",
    "大跌",
    "收跌",
    "逆势",
    "盘中",
    "盘前",
    "盘后",
    "午后",
    "一季",
    "上半年",
    "三季",
    "拟",
    "将",
    "已",
    "预计",
    "中标",
    "减持",
    "增持",
    "回购",
    "停牌",
    "复牌",
    "今日",
    "称",
    "首席",
    "CEO",
    "(",
    "等",
    "目标价",
    "副行长",
    "行长",
    "公布",
    "开展",
    "货币政策",
    "股票",
    "债务",
    "债券",
    "保费",
    "出售",
    "被查",
    "被立案",
    "被调查",
    "被约谈",
    "被处罚",
    "被起诉",
    "被制裁",
    "被做空",
    "被收购",
    "被曝",
    "被指",
    "遭罚",
    "遭减持",
    "遭起诉",
    "遭调查",
    "遭做空",
    "遭抛售",
    "遭处罚",
    "遭投诉",
    "遭抵制",
    "遭举报",
    "涉嫌",
    "利润",
    "毛利",
    "销量",
    "交付",
    "门店",
    "产能",
    "订单",
    "IPO",
    "赴港",
    "港股",
    "A股",
    "H股",
];
pub(super) const UNLIKE: [&str; 31] = [
    "概念", "板块", "行业", "产业", "产品", "系统", "技术", "发电", "电池", "市场", "价格", "种植", "领域",
    "赛道", "出没", "主题", "指数", "制造", "学会", "协会", "大赛", "地区", "市民", "路", "镇", "区", "涨价",
    "基金", "ETF", "期货", "合约",
];
/// Directly after a Chinese name, unless a whole trade is called so too: how it fares.
pub(super) const TRENDS: [&str; 23] = [
    "亏损", "扭亏", "盈利", "停产", "复产", "走强", "走弱", "走高", "走低", "高开", "低开", "领涨", "领跌",
    "跟涨", "跟跌", "封板", "反弹", "飙升", "暴跌", "暴涨", "闪崩", "跳水", "混改",
];
/// Directly before such a name: what investors do with it, and authorities.
pub(super) const DEALS: [&str; 28] = [
    "看好", "看空", "看多", "做空", "做多", "唱空", "唱多", "买入", "卖出", "增持", "减持", "加仓", "减仓",
    "建仓", "清仓", "重仓", "抄底", "持有", "收购", "入股", "起诉", "状告", "约谈", "制裁", "供货", "对标",
    "牵手", "携手",
];
/// Near a Chinese name that is goods too, where futures are the matter.
pub(super) const FUTURES: [&str; 19] = [
    "商品期货",
    "期货收盘",
    "期货主力",
    "主力合约",
    "期市",
    "红枣",
    "生猪",
    "纸浆",
    "焦煤",
    "焦炭",
    "螺纹",
    "白糖",
    "尿素",
    "甲醇",
    "鸡蛋",
    "豆粕",
    "豆油",
    "棕榈",
    "菜粕",
];
pub(super) const CHINESE: [&str; 34] = [
    "股",
    "公司",
    "集团",
    "财报",
    "业绩",
    "营收",
    "净利",
    "市值",
    "发布",
    "董事",
    "总裁",
    "旗下",
    "收购",
    "上市",
    "投资者",
    "首席",
    "裁员",
    "起诉",
    "监管",
    "投诉",
    "用户",
    "涨",
    "跌",
    "年报",
    "被罚",
    "被查",
    "停牌",
    "复牌",
    "中标",
    "召回",
    "减持",
    "增持",
    "回购",
    "保费",
];

/// Whether `word`, in any case, is one of an English list.
pub(super) fn among(list: &str, word: &str) -> bool {
    !word.is_empty() && list.contains(&format!(" {} ", word.to_lowercase()))
}

/// The first words of a text, without the marks around them.
pub(super) fn first_words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '.'))
}

pub(super) fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().map(bare).unwrap_or_default()
}

/// Whether a sentence or a clause of its own starts behind `before`.
pub(super) fn starts(before: &str) -> bool {
    last_word(before).is_empty() || before.trim_end().ends_with(['.', ':', '!', '?', '-', '"', '“', '|', ';'])
}

/// Whether a text begins with a verb that says that a price moved: `falls 3%`, `slumps, ...`.
pub(super) fn moves(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (verb, next) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let amount = next.trim_start_matches(['$', '£', '€', '¥', '+', '-']);
    let amount = amount.starts_with(|c: char| c.is_ascii_digit());
    if bare(verb).eq_ignore_ascii_case("up") || bare(verb).eq_ignore_ascii_case("down") {
        return amount;
    }
    let ends = next.is_empty() || verb.ends_with([',', '.', ';', ':', '!', '?', ')']);
    among(MOVES, bare(verb)) && (ends || amount || among(AFTER_MOVE, bare(next)))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_moves_a_price_unless_it_has_an_object() {
        for moved in
            ["tumbles 3%", "slumps", "sinks after a warning", "fell, the Dow rose", "up 2%", "DOWN -1.0%"]
        {
            assert!(moves(moved), "{moved}");
        }
        for not in ["drops a plan", "gains approval", "up with prices", "down", "", ", falls", "to delist"] {
            assert!(!moves(not), "{not}");
        }
    }
}
