"""Sentences that set two figures side by side without a verb of direction, labelled by arithmetic.

Prints lines in the form of README.md. The companies are invented; the same number gives the same lines again.

    python3 compared.py 4000 > compared.jsonl
"""

import json
import random
import re
import sys

random.seed(17)


def pick(things):
    return random.choice(things)


def chance(p):
    return random.random() < p


def quantities(more_is_good, more_is_bad="", neither=""):
    """What is measured, with what more of it means: 1 good, -1 bad, 0 neither."""
    groups = [(more_is_good, 1), (more_is_bad, -1), (neither, 0)]
    return [(what, good) for names, good in groups if names for what in names.split("|")]


MONEY_EN = quantities(
    more_is_good="net sales|sales|revenue|turnover|consolidated net sales|operating profit|EBIT|EBITDA|"
    "adjusted EBITDA|profit before taxes|pre-tax profit|net profit|profit for the period|net income|"
    "the result before taxes|gross profit|operating income|order intake|new orders|the order backlog|"
    "the order book|cash flow from operations|free cash flow|premium income|net interest income|"
    "fee income|advertising sales|like-for-like sales|exports|rental income|assets under management|"
    "deposits",
    more_is_bad="the operating loss|the net loss|net loss|the pre-tax loss|the loss for the period|"
    "loss before taxes|interest-bearing net debt|net debt|impairment losses on loans|credit losses|"
    "loan-loss provisions|warranty costs|restructuring costs|fixed costs|personnel expenses|fuel costs|"
    "raw material costs|financing costs|claims paid",
    neither="capital expenditure|gross investments|research and development expenditure|depreciation|"
    "the balance sheet total|share capital",
)
SHARE_EN = quantities(
    more_is_good="earnings per share|EPS|diluted earnings per share|cash flow per share|book value per share",
    more_is_bad="the loss per share",
)
RATE_EN = quantities(
    more_is_good="the operating margin|the gross margin|the EBIT margin|return on equity|return on capital employed|"
    "the net interest margin|capacity utilisation|the occupancy rate|the load factor|the market share",
    more_is_bad="gearing|the vacancy rate|the combined ratio|the cost-income ratio|the share of bad loans|"
    "customer churn",
    neither="the tax rate|foreign ownership",
)
COUNT_EN = quantities(
    more_is_good="the number of passengers|passenger numbers|subscriber numbers|vehicle deliveries|unit sales|"
    "the number of customers|overnight stays|container volumes|page views|new policies sold",
    more_is_bad="the number of complaints|accidents at work|returns|cancelled flights|customer losses",
    neither="the average number of employees|the number of shares outstanding|the number of shareholders",
)
CURRENCIES = (
    "EUR {} mn|EUR {} million|EUR {}m|€{} million|${} million|$ {} mn|SEK {} mn|SEK {} million|"
    "NOK {} mn|DKK {} mn|£{}m|£{} million|CHF {} million|{} million euros|US${}m|EEK {} mn|USD {} mn|"
    "{} billion yen|${} billion|EUR {}mn|Rs {} crore"
).split("|")
PERIODS_EN = (
    "in the first quarter|in the second quarter|in the third quarter|for the fourth quarter|"
    "in January-March|in April-June|in July-September|in January-September|in the first half|"
    "for the full year|in the financial year|for the nine-month period|in the review period|in October|"
    "in May|during the quarter|for the three months to June|for the six months ended 31 March|in 2008|"
    "in fiscal 2021|in Q3|in H1|||"
).split("|")
BEFORE_EN = (
    "a year earlier|a year ago|in the corresponding period of the previous year|"
    "in the same period last year|the year before|in the comparison period|in the prior-year quarter|"
    "in the same quarter a year ago|twelve months earlier|in the previous year|previously|"
    "for the same months of last year|in the year-ago period|in the preceding quarter|"
    "the corresponding figure a year ago|"
).split("|")
VERBS_EN = (
    "was|totalled|amounted to|came to|stood at|came in at|reached|were reported at|landed at|was booked at"
).split("|")
VERSUS_EN = (
    ", compared with {b} {w}|, compared to {b} {w}| compared with {b} {w}| compared to {b} {w}|"
    ", against {b} {w}| versus {b} {w}| vs. {b} {w}| ( {b} )| ({b})|, as against {b} {w}|, {w} {b}|"
    " while the figure {w} was {b}|; {w} it was {b}| (previous year: {b})|, after {b} {w}| from {b} {w}|"
    ", having been {b} {w}"
).split("|")
SEGMENTS = (
    "|||| in the Machinery segment| of the Paper division| in Europe| of the retail arm|"
    " in Asia-Pacific| of continuing operations| at group level| in the Nordic countries"
).split("|")
RESULTS = "profit loss EBIT sales revenue turnover income earnings EPS result margin return".split()
STEMS = (
    "Halvor Tekna Norran Brivela Castor Ilmari Osterby Kvarn Lindal Rauta Sorvik Meridia Ashcombe "
    "Tolvan Pellmar Gravin Velko Durham Ostrava Fenwick Harland Quintex Ardmore Solveig Tamsal Varko "
    "Melnik Bergson Ravel Kestrel Tornio Alvarex Nimbus Corvane Wexley Sundby Palisan Orrin Jutland "
    "Baltvik Zefira Montrose Calder Ekvall Hanse Imatran Lovisa Stromme Vantor Wessel"
).split()
KINDS_EN = (
    "|| Oyj| AB| plc| ASA| Group| Holdings| Inc| Corp| SE| AG| Bank| Shipping| Foods| Energy| Technologies| Pharma"
).split("|")


def number(value, places):
    return f"{value:,.{places}f}"


def pair():
    """Two figures, seldom the same, often close, of one kind of rounding."""
    a = 10 ** random.uniform(-0.3, 3.2)
    ratio = 1.0 if chance(0.04) else 10 ** (random.uniform(0.008, 0.5) * pick([1, -1]))
    b = a * ratio
    places = 0 if min(a, b) > 150 and chance(0.6) else 1 if min(a, b) > 2 or chance(0.4) else 2
    return round(a, places), round(b, places), places


def money_en():
    a, b, places = pair()
    form = pick(CURRENCIES)
    bare = "{}" if chance(0.2) else form
    return a, b, form.format(number(a, places)), (form.format(number(b, places)), bare.format(number(b, places)))


def share_en():
    a, b = round(random.uniform(0.05, 6), 2), round(random.uniform(0.05, 6), 2)
    if chance(0.6):
        b = max(0.01, round(a * random.uniform(0.7, 1.4), 2))
    form = pick(["EUR {:.2f}", "${:.2f}", "SEK {:.2f}", "€{:.2f}", "NOK {:.2f}", "{:.2f} euros", "CHF {:.2f}"])
    return a, b, form.format(a), (form.format(b), (form if chance(0.7) else "{:.2f}").format(b))


def rate_en():
    a = round(random.uniform(1, 96), 1)
    b = round(min(99, max(0.1, a + random.choice([-1, 1]) * random.uniform(0.2, 9))), 1)
    form = pick(["{:.1f} %", "{:.1f}%", "{:.1f} percent", "{:.1f} per cent"])
    return a, b, form.format(a), (form.format(b), form.format(b))


def count_en():
    a = random.randint(30, 900000) if chance(0.7) else random.randint(3, 400)
    b = max(1, int(a * 10 ** random.uniform(-0.25, 0.25)))
    return a, b, f"{a:,}", (f"{b:,}", f"{b:,}")


def sentiment(a, b, good):
    direction = (a > b) - (a < b)
    return ["negative", "neutral", "positive"][direction * good + 1]


def english():
    group, draw = pick(
        [(MONEY_EN, money_en)] * 6
        + [(SHARE_EN, share_en)] * 2
        + [(RATE_EN, rate_en)] * 2
        + [(COUNT_EN, count_en)] * 2
    )
    what, good = pick(group)
    a, b, now, (then, bare) = draw()
    company = pick(STEMS) + pick(KINDS_EN) if chance(0.5) else ""
    segment = "" if company or group is COUNT_EN or group is SHARE_EN else pick(SEGMENTS)
    if company:
        owner = pick(["{c} 's {w}", "{c}'s {w}", "{w} of {c}", "{w} at {c}", "{c} : {w}", "{c}: {w}"])
        is_bare = "'s" in owner or ":" in owner
        subject = owner.format(c=company, w=what.removeprefix("the ") if is_bare else what)
    else:
        subject = what + segment
    period = pick(PERIODS_EN)
    versus = pick(VERSUS_EN)
    when = pick(BEFORE_EN) or "a year earlier"
    tail = versus.format(b=bare if "(" in versus else then, w=when)
    verb = pick(VERBS_EN)
    if chance(0.25) and period:
        text = f"{period} {subject} {verb} {now}{tail}"
    else:
        text = f"{subject} {verb} {now}{' ' + period if period else ''}{tail}"
    if chance(0.12):
        text += pick(
            [
                ", the company said",
                ", it announced on Tuesday",
                " , according to the interim report",
                ", the group reported",
            ]
        )
    text = " ".join(text.split())
    text = text[0].upper() + text[1:] if not company or not text.startswith(company) else text
    if chance(0.5):
        # As tokenised corpora are; commas inside figures stay.
        text = re.sub(r",(?= )|[();](?=.|$)", lambda mark: f" {mark[0]} ", text)
        text = " ".join(text.split()) + " ."
    else:
        text += pick([".", ".", ""])
    label = sentiment(a, b, good)
    result = any(word in what for word in RESULTS) and not any(word in what for word in ("credit", "loan"))
    topics = ["earnings" if group in (MONEY_EN, SHARE_EN) or result else "company_news", "region_foreign"]
    events = ["earnings_decline"] if result and label == "negative" else []
    return text, "en", label, topics, events, company


MONEY_ZH = quantities(
    more_is_good="净利润|归母净利润|营业收入|营收|扣非净利润|利润总额|毛利|新签合同额|在手订单|经营性现金流净额|销售额|合同销售金额|保费收入|净利息收入|出口额",
    more_is_bad="净亏损|亏损|归母净亏损|有息负债|资产减值损失|财务费用|销售费用|坏账准备",
    neither="研发投入|资本开支|固定资产折旧|注册资本",
)
RATE_ZH = quantities(
    more_is_good="毛利率|净利率|净息差|净资产收益率|产能利用率|出租率|入住率|市场份额",
    more_is_bad="资产负债率|不良率|空置率|退货率",
    neither="所得税税率|流通股占比",
)
SHARE_ZH = quantities(
    more_is_good="每股收益|基本每股收益|每股净资产",
    more_is_bad="每股亏损",
)
COUNT_ZH = quantities(
    more_is_good="销量|交付量|产量|旅客吞吐量|新增用户|客运量|集装箱吞吐量",
    more_is_bad="投诉量|安全事故|闭店数",
    neither="股东户数|员工人数",
)
UNITS = dict(
    pair.split(":")
    for pair in (
        "销量:万辆 交付量:辆 产量:万吨 旅客吞吐量:万人次 新增用户:万户 客运量:万人次 集装箱吞吐量:万标箱 投诉量:件 安全事故:起 闭店数:家 股东户数:户 员工人数:人"
    ).split()
)
PERIODS_ZH = (
    "一季度|第二季度|前三季度|三季度|上半年|全年|2022年|2024年上半年|5月|9月份|报告期内|本季度|单季|年度|"
).split("|")
BEFORE_ZH = ("上年同期|去年同期|上年同期为|去年同期为|上一年度为|上年同期数|前一年同期|上季度为|去年为").split("|")
VERSUS_ZH = ("，{w}{b}|（{w}{b}）|（{w}：{b}）|，而{w}{b}|；{w}{b}|，{w}则是{b}|，对比{w}的{b}| vs {w}{b}").split(
    "|"
)
STEMS_ZH = (
    "华榕 振澜 东屿 北岭 恒拓 瑞泽 云栈 锦川 海宸 中锐 兆合 天穹 凌川 盛禾 润屿 江岚 博铭 启越 远桥 佳禾 鼎珂 星澜 宏翊 晟昱 泰屹 骏驰 蓝湾 安朔 禾田 拓维尔"
).split()
KINDS_ZH = ("科技 股份 集团 药业 矿业 银行 能源 电子 食品 置业 汽车 证券 物流 材料 航空").split()


def chinese():
    group = pick([MONEY_ZH] * 5 + [RATE_ZH] * 2 + [SHARE_ZH] + [COUNT_ZH] * 2)
    what, good = pick(group)
    if group is MONEY_ZH:
        a, b, places = pair()
        unit = pick(["亿元", "亿元", "万元", "亿港元", "百万美元", "亿美元"])
        now, then = number(a, places).replace(",", "") + unit, number(b, places).replace(",", "") + unit
    elif group is RATE_ZH:
        a, b, _, _ = rate_en()
        now, then = f"{a:.1f}%", f"{b:.1f}%"
    elif group is SHARE_ZH:
        a, b, _, _ = share_en()
        now, then = f"{a:.2f}元", f"{b:.2f}元"
    else:
        a, b, _, _ = count_en()
        now, then = f"{a}{UNITS[what]}", f"{b}{UNITS[what]}"
    company = pick(STEMS_ZH) + pick(KINDS_ZH) if chance(0.7) else ""
    period = pick(PERIODS_ZH)
    verb = pick(["", "为", "达", "实现", "录得", "约", "共"])
    if verb in ("实现", "录得"):
        core = f"{verb}{what}{now}" if good >= 0 else f"{what}{now}"
    else:
        core = f"{what}{verb}{now}"
    when = pick(BEFORE_ZH)
    versus = pick(VERSUS_ZH)
    if when.endswith("为") and ("则是" in versus or "：" in versus or "对比" in versus):
        when = when[:-1]
    text = (
        company
        + (
            pick(["：", "", "公告，", "披露，", "（600{:03d}）".format(random.randint(100, 999))])
            if company
            else ""
        )
        + period
        + core
        + versus.format(w=when, b=then)
    )
    text += pick(["", "", "。"])
    label = sentiment(a, b, good)
    result = any(word in what for word in ("利润", "亏损", "营", "毛利", "净利率", "每股收益", "收益率"))
    topics = ["earnings" if group is not COUNT_ZH else "company_news", "region_cn"]
    return text, "zh", label, topics, ["earnings_decline"] if result and label == "negative" else [], company


def swing():
    """A profit beside a loss."""
    company = pick(STEMS) + pick(KINDS_EN)
    _, _, now, (then, _) = money_en()
    good = chance(0.5)
    first, second = ("profit", "loss") if good else ("loss", "profit")
    kind = pick(["an operating {}", "a net {}", "a pre-tax {}", "a {} before taxes"])
    form = pick(
        [
            "{c} made {f} of {now} {p}, compared with {s} of {then} {w}",
            "{c} posted {f} of {now} {p} against {s} of {then} {w}",
            "{c} reported {f} of {now} {p} (a year earlier {s} of {then})",
            "{p} {c} recorded {f} of {now}, after {s} of {then} {w}",
        ]
    )
    text = form.format(
        c=company,
        f=kind.format(first),
        s=kind.format(second),
        now=now,
        then=then,
        p=pick(PERIODS_EN),
        w=pick(BEFORE_EN) or "a year ago",
    )
    text = " ".join(text.split()).replace(" ,", ",")
    text = text[0].upper() + text[1:] + "."
    return (
        text,
        "en",
        "positive" if good else "negative",
        ["earnings", "region_foreign"],
        [] if good else ["earnings_decline"],
        company,
    )


def line():
    text, lang, label, topics, events, company = pick([english] * 13 + [swing] + [chinese] * 6)()
    entities = []
    if company and company in text:
        start = text.index(company)
        entities = [{"start": start, "end": start + len(company), "sentiment": label, "role": "subject"}]
    return {
        "text": text,
        "lang": lang,
        "sentiment": label,
        "topics": topics,
        "events": events,
        "entities": entities,
    }


seen = set()
while len(seen) < int(sys.argv[1]):
    one = line()
    if one["text"] not in seen:
        seen.add(one["text"])
        print(json.dumps(one, ensure_ascii=False))
