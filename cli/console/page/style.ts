/**
 * Light and dark, wide, narrow and printed. Text has a contrast of 4.5 to 1, and colour is never the only sign. Thirty rows
 * fit on a screen of 900 pixels.
 */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #16202b; --soft: #4c5967; --line: #d5dae0;
  --awake: #2f8f5b; --asleep: #4a5ab5; --moving: #c77d0a; --unknown: #b4bcc5; --bad: #b3261e; --press: #1d5fb4; --on-press: #fff;
  --awake-text: #1e6b42; --moving-text: #7a4b00; --hover: #eaf0f7; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10151b; --card: #1a222b; --ink: #e8edf2; --soft: #a7b3bf; --line: #34404c;
    --awake: #4cc38a; --asleep: #8d9bf0; --moving: #f0b04a; --unknown: #55616d; --bad: #ff8a80; --press: #9cc4ff; --on-press: #0c1a2b;
    --awake-text: #4cc38a; --moving-text: #f0b04a; --hover: #223040; }
}
*, ::before { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.4 system-ui, sans-serif; }
main { max-width: 100rem; margin: 0 auto; padding: .5rem 1rem 1rem; }
h1 { font-size: 1.1rem; margin: 0; white-space: nowrap; } h2 { font-size: 1.05rem; margin: 0; } .detail h2 { font-size: .9rem; margin: .9rem 0 .3rem; }
p { margin: .25rem 0; } ul { margin: 0; padding: 0; list-style: none; }
button, input, select { font: inherit; color: inherit; }
button { cursor: pointer; } button:disabled { opacity: .55; cursor: not-allowed; }
:focus-visible { outline: 3px solid var(--press); outline-offset: -1px; }
.soft { color: var(--soft); } .bad { color: var(--bad); } code { font-size: .92em; }
header { display: flex; align-items: center; gap: .5rem .8rem; position: sticky; top: 0; z-index: 2; background: var(--ground); padding: .35rem 0; }
header #search { flex: 1 1 12rem; min-width: 8rem; }
.counts { display: flex; flex-wrap: wrap; gap: .2rem .3rem; align-items: center; margin: 0; white-space: nowrap; }
.count { padding: .1rem .35rem; min-height: 1.5rem; border: 1px solid transparent; border-radius: .35rem; background: none; } .count.bad { color: var(--bad); }
.count:hover { background: var(--hover); } .count[aria-pressed=true] { border-color: currentcolor; background: var(--hover); }
.printed { display: none; }
input, select { padding: .25rem .5rem; background: var(--card); border: 1px solid var(--soft); border-radius: .35rem; }
input[type=checkbox] { width: auto; }
.quiet, .preset { padding: .25rem .7rem; border-radius: .35rem; border: 1px solid var(--soft); background: var(--card); color: var(--press); }
.banner { position: sticky; top: 2.6rem; z-index: 2; background: var(--card); }
.error { border-left: 4px solid var(--bad); padding: .3rem .7rem; overflow-wrap: anywhere; white-space: pre-line; }
.hint { border-left: 4px solid var(--moving); padding: .3rem .7rem; }
.fleet { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.columns-head, .row-button { display: grid; grid-template-columns: minmax(12rem, 1.4fr) 8.6rem minmax(15rem, 2.2fr) minmax(12rem, 2fr) minmax(9rem, 1.1fr) 5.5rem;
  gap: 0 .8rem; align-items: center; width: 100%; padding: 0 .7rem; text-align: left; }
.columns-head { font-size: .8rem; color: var(--soft); border-bottom: 1px solid var(--line); height: 1.4rem; white-space: nowrap; }
.rows > li + li { border-top: 1px solid var(--line); }
.rows > .loading { display: flex; gap: 1rem; padding: .1rem .7rem; color: var(--soft); height: 1.58rem; }
.row-button { border: 0; background: none; height: 1.58rem; line-height: 1.2; border-left: 4px solid transparent; padding-left: calc(.7rem - 4px); }
.row-button > span { min-width: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.row-button:hover { background: var(--hover); } .row-button.failing { border-left-color: var(--bad); }
.opened > .row-button { background: var(--hover); font-weight: 700; }
.name { font-weight: 600; } .name small { color: var(--soft); font-weight: 400; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.phase::before { content: ""; display: inline-block; width: .6rem; height: .6rem; margin-right: .4rem; border-radius: 50%; background: currentcolor; }
.phase { font-weight: 600; }
.phase.awake { color: var(--awake-text); } .phase.asleep { color: var(--asleep); } .phase.starting, .phase.stopping, .phase.unknown { color: var(--moving-text); }
.phase.asleep::before { background: none; border: 2px solid currentcolor; } .phase.starting::before, .phase.stopping::before { border-radius: 0; }
.phase.never-stopped { color: var(--soft); } .phase.unreachable { color: var(--bad); } .phase.unreachable::before { border-radius: 0; transform: rotate(45deg); }
.pill { font-size: .8rem; line-height: 1.1; padding: 0 .4rem; border: 1px solid currentcolor; border-radius: 1rem; color: var(--soft); }
.pill.deployed { color: var(--awake-text); } .pill.failed { color: var(--bad); font-weight: 700; } .pill.syncing, .pill.waiting, .pill.suspended, .pill.unverified { color: var(--moving-text); }
.strip { width: 100%; height: 16px; display: block; }
rect.awake { fill: var(--awake); } rect.asleep { fill: var(--asleep); } rect.starting, rect.stopping { fill: var(--moving); } rect.unknown { fill: var(--unknown); }
rect.planned { opacity: .5; } rect.calendar { stroke: var(--ink); stroke-dasharray: 3 3; } rect.override { stroke: var(--ink); stroke-width: 2; }
line.now { stroke: var(--ink); stroke-width: 2; } line.tick { stroke: var(--soft); stroke-dasharray: 1 3; }
.glyph { overflow: visible; } path.deploy { fill: var(--ink); stroke: var(--card); } path.drain { fill: var(--moving); stroke: var(--ink); } path.failure { stroke: var(--bad); stroke-width: 3; fill: none; }
.detail { display: grid; grid-template: 'facts side' auto 'main side' 1fr / minmax(0, 1fr) 19rem; gap: 0 1.5rem; padding: .4rem 1rem 1rem; border-top: 1px solid var(--line); }
.facts { grid-area: facts; } .main { grid-area: main; min-width: 0; } .side { grid-area: side; } .facts p { overflow-wrap: anywhere; } .overridden { border-left: 4px solid var(--ink); padding-left: .6rem; }
.failures { border-left: 4px solid var(--bad); padding-left: .7rem; }
.timeline .row { display: grid; grid-template-columns: 9rem 1fr; gap: .6rem; align-items: center; }
.timeline .label { overflow-wrap: anywhere; } .timeline svg { width: 100%; height: 20px; display: block; }
.timeline .glyph { width: auto; height: auto; } .axis text { font-size: 11px; fill: var(--soft); } .axis text.hour { text-anchor: middle; } .axis text.date { fill: var(--ink); font-weight: 600; }
.key { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .8rem; color: var(--soft); margin-top: .3rem; }
.key i { display: inline-block; width: .9rem; height: .6rem; margin-right: .35rem; border-radius: 2px; }
.key .awake { background: var(--awake); } .key .asleep { background: var(--asleep); } .key .moving { background: var(--moving); } .key .unknown { background: var(--unknown); }
.key .calendar { border: 2px dashed var(--ink); } .key .override { border: 2px solid var(--ink); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0 1.5rem; }
.columns li, .failures li { padding: .2rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; } .columns li:first-child, .failures li:first-child { border-top: 0; }
button.link { color: var(--press); background: none; border: 0; padding: 0; text-align: left; text-decoration: underline; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--press); }
.chart { margin: 0; } .chart svg { width: 100%; height: 64px; display: block; } .chart .ground { fill: var(--ground); } .chart .bar { fill: var(--asleep); } .chart.mornings .bar { fill: var(--moving); }
.chart figcaption { display: flex; justify-content: space-between; font-size: .75rem; color: var(--soft); }
.promise { margin: .4rem 0 0; } .promise svg { max-width: 100%; display: block; } .promise .kept { fill: var(--asleep); } .promise .missed { fill: var(--bad); } .promise figcaption { font-size: .85rem; }
.side form { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem .8rem .8rem; margin-top: .6rem; }
.presets { display: flex; flex-wrap: wrap; gap: .35rem; } .preset[aria-pressed=true] { background: var(--press); color: var(--on-press); border-color: var(--press); }
.field { margin-top: .5rem; } .field input { width: 100%; } .field label { display: block; font-size: .85rem; } .required { color: var(--soft); }
input[aria-invalid=true] { border: 2px solid var(--bad); } .missing { color: var(--bad); }
.box { display: block; margin-top: .4rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .7rem; }
.buttons button { min-height: 2.2rem; } .primary { flex: 1 1 100%; border-radius: .35rem; border: 1px solid var(--press); background: var(--press); color: var(--on-press); font-weight: 600; }
.result { white-space: pre-line; overflow-wrap: anywhere; }
dialog { color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 0; width: min(52rem, calc(100vw - 1rem)); max-height: 88vh; overflow: auto; }
dialog::backdrop { background: rgb(0 0 0 / 50%); }
dialog .top { position: sticky; top: 0; z-index: 1; display: flex; justify-content: space-between; gap: 1rem; align-items: center; background: var(--card); padding: .6rem 1rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.filters { display: flex; flex-wrap: wrap; gap: .4rem; padding: .5rem 1rem 0; } .filters input { flex: 1 1 10rem; }
dialog .body { padding: .4rem 1rem 1rem; } dialog li { padding: .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
dialog li time, dialog li strong { margin-right: .6rem; } dialog li.failed strong { color: var(--bad); }
dl.body { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; } dd { margin: 0; } kbd { border: 1px solid var(--soft); border-radius: .25rem; padding: 0 .35rem; white-space: pre; }
.stale .fleet { filter: grayscale(1); border: 3px dashed var(--soft); }
@media screen and (max-width: 70rem) { .columns-head, .row-button { grid-template-columns: minmax(9rem, 1fr) 8.6rem minmax(14rem, 2fr) minmax(9rem, 1fr); } .columns-head > :nth-child(n+5), .row-button > :nth-child(n+5) { display: none; } .detail { grid-template: 'facts' 'side' 'main' / minmax(0, 1fr); } header { flex-wrap: wrap; } }
@media screen and (max-width: 45rem) {
  main { padding: .3rem .5rem; } header { position: static; } header .sort span { display: none; } .banner { top: 0; }
  .columns-head { display: none; }
  .row-button { grid-template-columns: 1fr auto; height: auto; padding: .35rem .6rem; gap: .1rem .6rem; }
  .row-button .next { grid-column: 1 / -1; font-size: .85rem; } .row-button .day { grid-column: 1 / -1; }
  .axis text.hour { display: none; } .detail { padding: .3rem .6rem .8rem; } .timeline .row { grid-template-columns: 1fr; gap: 0; margin: .3rem 0; }
  .buttons button, .preset, header button, header select, header input { min-height: 2.75rem; }
}
@media print {
  :root { --ground: #f4f5f7; --card: #fff; --ink: #000; --soft: #333; --line: #999; --hover: #fff;
    --awake: #2f8f5b; --asleep: #4a5ab5; --moving: #c77d0a; --unknown: #b4bcc5; --bad: #b3261e; --press: #000; --awake-text: #1e6b42; --moving-text: #7a4b00; }
  header #search, header button.quiet, .sort, .side, .banner.hint, .columns-head, dialog { display: none; } .printed { display: block; }
  header { position: static; } main { padding: 0; } body { font-size: 11px; background: #fff; }
  .row-button { grid-template-columns: minmax(9rem, 1.1fr) 6.6rem minmax(10rem, 1.4fr) minmax(10rem, 2fr); gap: 0 .5rem; padding-right: 0; } .row-button > :nth-child(n+5) { display: none; }
  .row-button .next, .row-button .name { white-space: normal; } .axis text.hour { display: none; } .row-button { height: auto; min-height: 1.58rem; }
  .detail { grid-template: 'facts' 'main' / minmax(0, 1fr); } .timeline .row { grid-template-columns: 6rem 1fr; } .columns { grid-template-columns: 1fr 1fr; }
  * { print-color-adjust: exact; } .rows > li, .columns > div { break-inside: avoid; }
}
`;
