//! Traditional Chinese characters to the simplified ones of the dictionary, one for one, so that offsets stay.
//! Knows nothing of words: 乾, which is 干 in some of them and 乾 in others, is left as it is.

use std::sync::LazyLock;

/// The first character that may be replaced.
const FIRST: char = '\u{4e00}';

/// Every character that dictionary names or the words beside them have in another form, with that form; pairs after the
/// table of OpenCC (Apache 2.0).
const PAIRS: &str = "\
    並并 亞亚 佈布 併并 來来 侖仑 侷局 係系 倉仓 個个 倖幸 倫伦 偉伟 傑杰 傘伞 備备 傢家 傳传 \
    僑侨 價价 儀仪 儁俊 億亿 優优 儲储 兌兑 兒儿 兗兖 內内 兩两 冪幂 凈净 凱凯 則则 剛刚 創创 \
    劃划 劍剑 劑剂 勁劲 動动 務务 勛勋 勝胜 勞劳 勢势 勳勋 勵励 勸劝 匯汇 區区 協协 卹恤 參参 \
    叢丛 吳吴 員员 唸念 問问 啓启 啟启 喫吃 喬乔 單单 嗶哔 嘗尝 噸吨 嚐尝 嚮向 嚴严 囌苏 國国 \
    圍围 園园 圓圆 圖图 團团 埰采 堅坚 報报 場场 塊块 塗涂 塚冢 塵尘 墰坛 墻墙 墾垦 壇坛 壓压 \
    壘垒 壜坛 壯壮 壺壶 壽寿 夢梦 奧奥 奮奋 妝妆 娛娱 嬌娇 嬰婴 學学 宮宫 寀采 實实 寧宁 寬宽 \
    寵宠 寶宝 將将 專专 對对 導导 層层 屬属 岡冈 峯峰 島岛 峽峡 崑昆 崙仑 嵐岚 嵗岁 嶸嵘 嶺岭 \
    嶼屿 嶽岳 巖岩 帥帅 師师 幣币 幫帮 幹干 庫库 廈厦 廚厨 廠厂 廣广 弔吊 張张 強强 彈弹 彌弥 \
    彔录 彙汇 彥彦 彫雕 彿佛 後后 從从 徠徕 復复 徹彻 恆恒 悅悦 愛爱 愷恺 態态 慶庆 懇恳 應应 \
    懞蒙 戰战 戲戏 戶户 捨舍 掃扫 採采 揚扬 摯挚 撈捞 撥拨 撫抚 撲扑 擇择 擔担 據据 擬拟 攜携 \
    敎教 敘叙 數数 斷断 旂旗 時时 晉晋 暉晖 暢畅 曉晓 曏向 曠旷 書书 會会 朮术 東东 條条 棟栋 \
    棲栖 楊杨 楓枫 業业 極极 榘矩 榦干 榮荣 構构 槍枪 樁桩 樂乐 樑梁 樓楼 標标 樣样 樸朴 樹树 \
    樺桦 橋桥 機机 橫横 檢检 檯台 檸柠 櫃柜 櫚榈 權权 欽钦 歐欧 歡欢 歲岁 歸归 殻壳 殼壳 氣气 \
    氫氢 氾泛 汎泛 沒没 泝溯 淨净 淩凌 減减 測测 湧涌 湯汤 準准 溫温 滄沧 滙汇 滬沪 滿满 漁渔 \
    漢汉 漲涨 潔洁 潛潜 潤润 潯浔 澤泽 澱淀 濛蒙 濟济 濤涛 濰潍 濱滨 濾滤 瀋沈 瀘泸 瀝沥 瀰弥 \
    瀾澜 灃沣 灝灏 灣湾 灤滦 災灾 為为 無无 煉炼 煒炜 煙烟 煬炀 熒荧 熱热 燁烨 營营 燦灿 爍烁 \
    爭争 爲为 爾尔 牀床 牆墙 狀状 獅狮 獨独 獲获 獵猎 現现 琱雕 瑋玮 瑤瑶 瑩莹 瑪玛 璉琏 璣玑 \
    環环 璽玺 瓊琼 瓏珑 產产 産产 甦苏 甯宁 畢毕 當当 瘋疯 療疗 發发 盃杯 監监 盤盘 眞真 眾众 \
    矇蒙 硃朱 碩硕 確确 碼码 礎础 礦矿 礫砾 祿禄 禎祯 禦御 禪禅 禮礼 稅税 稜棱 種种 稱称 穀谷 \
    積积 穎颖 穩稳 穫获 競竞 筆笔 箇个 節节 範范 築筑 簡简 簽签 籠笼 籤签 粵粤 糧粮 糰团 紀纪 \
    約约 紅红 納纳 紐纽 純纯 紙纸 級级 紛纷 紡纺 紮扎 細细 紳绅 絃弦 組组 結结 絕绝 絡络 給给 \
    絨绒 統统 絲丝 絶绝 經经 綜综 綠绿 綢绸 綫线 維维 網网 綸纶 綿绵 緑绿 線线 緣缘 編编 緯纬 \
    緻致 縮缩 縱纵 縴纤 總总 績绩 織织 繩绳 繪绘 繫系 繼继 繽缤 續续 纔才 纖纤 纜缆 罈坛 罎坛 \
    罰罚 羅罗 羣群 義义 翫玩 翹翘 聖圣 聞闻 聯联 聰聪 聲声 職职 肅肃 脈脉 脩修 脹胀 腦脑 膠胶 \
    臉脸 臥卧 臨临 臺台 與与 興兴 舘馆 艙舱 茲兹 荊荆 莊庄 華华 菸烟 萊莱 萬万 葉叶 葯药 蒐搜 \
    蓆席 蓋盖 蓮莲 蔘参 蕓芸 蕭萧 薩萨 藍蓝 藝艺 藥药 蘆芦 蘇苏 蘋苹 蘭兰 號号 蜆蚬 螞蚂 螢萤 \
    蟻蚁 蠟蜡 衆众 術术 衕同 衛卫 衞卫 裏里 裝装 裡里 製制 複复 褲裤 覈核 見见 規规 覓觅 視视 \
    親亲 覺觉 觀观 觸触 訂订 計计 訊讯 訓训 記记 設设 許许 訴诉 診诊 註注 証证 評评 詢询 試试 \
    詩诗 話话 誌志 認认 語语 誠诚 誼谊 調调 論论 諧谐 諭谕 諮咨 諾诺 謀谋 謙谦 謝谢 證证 識识 \
    譚谭 譜谱 護护 譽誉 讀读 變变 讓让 讚赞 豐丰 貓猫 貝贝 財财 貢贡 貨货 貪贪 貫贯 貴贵 買买 \
    貸贷 費费 貿贸 賀贺 賃赁 資资 賓宾 賜赐 賞赏 賢贤 賣卖 賦赋 質质 賬账 購购 賽赛 贊赞 贏赢 \
    贛赣 趨趋 跡迹 蹟迹 躍跃 車车 軌轨 軍军 軒轩 軟软 軸轴 載载 輔辅 輕轻 輛辆 輝辉 輪轮 輻辐 \
    轉转 轎轿 辦办 農农 迴回 連连 週周 進进 遊游 運运 過过 達达 遙遥 遜逊 遞递 遠远 遡溯 適适 \
    遷迁 選选 遼辽 邁迈 郵邮 鄉乡 鄭郑 鄰邻 鄺邝 醣糖 醫医 醬酱 釀酿 針针 釩钒 鈉钠 鈞钧 鈡钟 \
    鈦钛 鈴铃 鈷钴 鈺钰 鈾铀 鉀钾 鉅巨 鉆钻 鉑铂 鉛铅 鉬钼 鉭钽 銀银 銅铜 銘铭 銳锐 銷销 銹锈 \
    鋁铝 鋅锌 鋒锋 鋪铺 鋭锐 鋮铖 鋯锆 鋰锂 鋼钢 錄录 錢钱 錦锦 錨锚 錫锡 録录 錳锰 錶表 鍀锝 \
    鍇锴 鍊炼 鍋锅 鍛锻 鍵键 鍺锗 鍼针 鍾钟 鎂镁 鎖锁 鎢钨 鎭镇 鎮镇 鏇旋 鏈链 鏗铿 鏡镜 鏽锈 \
    鐘钟 鐳镭 鐵铁 鑄铸 鑽钻 長长 門门 閉闭 開开 閏闰 間间 閣阁 閤合 閥阀 閩闽 閱阅 閲阅 闆板 \
    關关 陝陕 陞升 陣阵 陰阴 陳陈 陸陆 陽阳 際际 險险 隴陇 隻只 雋隽 雙双 雞鸡 雲云 電电 霧雾 \
    靄霭 靈灵 鞦秋 韆千 韋韦 韓韩 韜韬 韻韵 響响 頂顶 項项 順顺 頎颀 預预 頓顿 領领 頤颐 頭头 \
    頻频 題题 額额 顧顾 顯显 風风 颱台 飄飘 飛飞 飯饭 飲饮 飼饲 飾饰 養养 餘余 館馆 馬马 馳驰 \
    駕驾 駛驶 駝驼 駱骆 駿骏 騎骑 騏骐 騰腾 驅驱 驕骄 驗验 驛驿 驢驴 體体 髮发 鬆松 鬥斗 魚鱼 \
    魯鲁 鮑鲍 鰐鳄 鰲鳌 鱷鳄 鳥鸟 鳳凤 鳴鸣 鴉鸦 鴨鸭 鴻鸿 鴿鸽 鵝鹅 鵠鹄 鵬鹏 鵰雕 鶴鹤 鷂鹞 \
    鷄鸡 鷗鸥 鷹鹰 鷺鹭 鹹咸 鹼碱 鹽盐 麗丽 麥麦 麪面 麫面 麯曲 麴曲 麵面 黃黄 點点 鼕冬 齊齐 \
    齋斋 齒齿 齡龄 齣出 龍龙";

/// What stands for each character from [`FIRST`] on.
static FORMS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut forms: Vec<char> = (FIRST..='\u{9fff}').collect();
    for pair in PAIRS.split_whitespace() {
        let mut both = pair.chars();
        let (place, form) = (both.next().and_then(place), both.next());
        if let (Some(slot), Some(form)) = (place.and_then(|at| forms.get_mut(at)), form) {
            *slot = form;
        }
    }
    forms
});

/// The simplified form of a character, where the dictionary has it.
pub(super) fn simplified(c: char) -> char {
    place(c).and_then(|at| FORMS.get(at)).copied().unwrap_or(c)
}

fn place(c: char) -> Option<usize> {
    (c as usize).checked_sub(FIRST as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traditional_character_becomes_one_simplified_one_and_others_stay() {
        let simple = |text: &str| text.chars().map(simplified).collect::<String>();
        assert_eq!(simple("騰訊控股、滙豐、恆生指數"), "腾讯控股、汇丰、恒生指数");
        assert_eq!(simple("美聯儲 Fed 乾隆 日本 é"), "美联储 Fed 乾隆 日本 é");
    }

    #[test]
    fn every_pair_is_of_two_characters_and_leads_to_one_that_stays() {
        for pair in PAIRS.split_whitespace() {
            let both: Vec<char> = pair.chars().collect();
            assert_eq!(both.len(), 2, "{pair}");
            assert_eq!((simplified(both[0]), simplified(both[1])), (both[1], both[1]), "{pair}");
        }
    }
}
