// The window's own Japanese. What the bot says comes from the desk, never from here.
export const words = {
  launcher: "チャットで相談する",
  title: "ご返品・キャンセル窓口",
  panel: "ご返品・キャンセル窓口のチャット",
  log: "これまでのやりとり",
  close: "チャットを閉じる",
  status: {
    bot: "自動応答が24時間お答えします",
    waiting: "担当者におつなぎしています",
    agent: "担当者が対応しています",
    closed: "対応を終了しました",
  },
  welcome: [
    "いらっしゃいませ。ご返品・キャンセル・ご返金のご相談を承ります。",
    "ご注文のことで、どうなさいましたか。ふだんの言葉でお書きください。",
  ],
  suggestions: [
    "届いた商品に不具合があります",
    "サイズが合いませんでした",
    "注文をキャンセルしたいです",
    "覚えのない会員費が引かれています",
    "返金がいつになるか知りたいです",
  ],
  suggestionsLabel: "よくあるご相談",
  input: "メッセージを入力",
  send: "送信",
  sending: "送信中",
  sent: "送信済み",
  failed: "送信できませんでした",
  retry: "もう一度送る",
  tooLong: (count) => `一度に送信できるのは4,000文字までです（現在${count.toLocaleString("ja-JP")}文字）`,
  offline: "通信が途切れています。つながり次第、続きからお届けします。",
  unavailable: "ただいま窓口につながりません。自動でつなぎ直しています。",
  newest: "新しいメッセージ",
  you: "お客様",
  bot: "窓口",
  agent: "担当者",
  choices: "選択肢",
  progress: "お手続きの状況",
  step: { done: "済み", now: "いまここ", todo: "これから", stopped: "担当者が確認中" },
  cases: {
    running: (count) => `お手続き中 ${count}件`,
    past: "お手続きの記録",
    clocks: "ご返金までの日数",
    chosen: "（お選びの方法）",
    account: "お振込先を登録する",
    left: (milliseconds) => {
      const minutes = Math.max(0, Math.floor(milliseconds / 60000));
      if (!minutes) return "返事の期限になりました。";
      return `返事の期限まで、あと${minutes >= 60 ? `${Math.floor(minutes / 60)}時間` : ""}${minutes % 60}分`;
    },
  },
  score: {
    question: "この窓口をお知り合いに勧めたいと思われますか。",
    least: "0：まったく思わない",
    most: "10：とても思う",
    words: "よろしければ理由をお聞かせください",
    send: "評価を送る",
    thanks: "お答えくださり、ありがとうございました。",
  },
};
