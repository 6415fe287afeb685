/** Phone first, light and dark. Text has a contrast of 4.5 to 1 at least, and colour is never the only sign. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#16202b;--soft:#4c5967;--line:#c9d0d8;--awake:#1e6b42;--asleep:#414fa3;--moving:#855200;--bad:#a3201a;--press:#1a57a5;--on-press:#fff;--chosen:#e8f0fb}
@media (prefers-color-scheme:dark){:root{--ground:#10151b;--card:#1a222b;--ink:#e8edf2;--soft:#a7b3bf;--line:#3b4855;--awake:#5fd39a;--asleep:#a4b0ff;--moving:#f0b04a;--bad:#ff9a92;--press:#9cc4ff;--on-press:#0c1a2b;--chosen:#223349}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Hiragino Sans","Noto Sans JP","Yu Gothic UI",sans-serif;overflow-wrap:anywhere}
main{max-width:32rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;line-height:1.25;margin:.5rem 0 .75rem}
h2{font-size:1.125rem;line-height:1.3;margin:0 0 .25rem}
p{margin:.25rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:0 0 1rem}
.card>:last-child{margin-bottom:0}
.phase{font-weight:700;font-size:1.375rem;line-height:1.3;margin:0;display:flex;align-items:center;gap:.5rem}
.next{font-size:1.0625rem;font-weight:600}
.phase svg{flex:none;width:1.5rem;height:1.5rem}
.awake{color:var(--awake)}.asleep{color:var(--asleep)}.starting,.stopping,.unknown{color:var(--moving)}
.soft{color:var(--soft);font-size:.9375rem}
.result h2{font-size:1.375rem;display:flex;gap:.5rem}.result svg{flex:none;width:1.75rem;height:1.75rem;color:var(--awake)}.result{border-left:.375rem solid var(--awake)}
.problem{border-left:.375rem solid var(--bad)}
.problem strong{color:var(--bad)}
fieldset{border:0;padding:0;margin:1rem 0 0;min-width:0}
legend,label.field{font-weight:600;padding:0;display:block}
legend{margin:0 0 .375rem}
.ends label{display:flex;align-items:center;gap:.75rem;min-height:3rem;padding:.5rem .75rem;border:1px solid var(--line);border-radius:.5rem;margin:0 0 .375rem;cursor:pointer}
.ends label:has(:checked){background:var(--chosen);border-color:var(--press)}
.ends input{width:1.25rem;height:1.25rem;flex:none;margin:0;accent-color:var(--press)}
.ends b{font-variant-numeric:tabular-nums;flex:1 0 auto;white-space:nowrap}
.ends label>span{color:var(--soft);font-size:.875rem;display:flex;flex-wrap:wrap;justify-content:flex-end;column-gap:.75rem}
.ends span span{white-space:nowrap;font-variant-numeric:tabular-nums}
.inputs{margin:1rem 0 0}
.inputs input{font:inherit;width:100%;min-height:3rem;padding:.5rem .75rem;margin:.25rem 0 0;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.5rem}
.inputs input[aria-invalid]{border:2px solid var(--bad)}
button:hover{filter:brightness(1.08)}
button,a.button{font:inherit;font-weight:700;display:flex;align-items:center;justify-content:center;width:100%;min-height:3.25rem;padding:.5rem 1rem;margin:1.25rem 0 0;border:2px solid var(--press);border-radius:.5rem;background:var(--press);color:var(--on-press);cursor:pointer;text-decoration:none}
a.button{background:transparent;color:var(--press)}
a{color:var(--press)}
:focus-visible{outline:3px solid var(--press);outline-offset:2px}
ol{list-style:none;margin:.5rem 0 0;padding:0}
li{border-top:1px solid var(--line);padding:.5rem 0}
ol.steps{margin:.75rem 0 .25rem;padding:0 0 0 .25rem}
.steps li{display:flex;justify-content:space-between;gap:1rem;border:0;border-left:.1875rem solid var(--line);padding:.25rem 0 .25rem 1.125rem;position:relative}
.steps li::before{content:"";position:absolute;left:-.5rem;top:.6rem;width:.8125rem;height:.8125rem;border-radius:50%;border:.125rem solid var(--soft);background:var(--card)}
.steps .reached{border-color:var(--awake)}.steps .reached::before{border-color:var(--awake);background:var(--awake)}
.steps li:last-child{border-color:transparent}.steps .ahead{color:var(--soft)}.steps span:last-child{font-variant-numeric:tabular-nums}
li time{color:var(--soft);font-size:.9375rem;font-variant-numeric:tabular-nums;display:block}
footer{color:var(--soft);font-size:.875rem}
@media (prefers-reduced-motion:no-preference){.starting svg,.stopping svg{animation:pulse 2s ease-in-out infinite}@keyframes pulse{50%{opacity:.45}}}
@media (min-width:40rem){main{padding:2.5rem 1rem}.card{padding:1.5rem}}
`.replaceAll('\n', '');
