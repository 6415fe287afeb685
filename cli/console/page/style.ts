/** Light and dark, wide and narrow. Colours keep a contrast of 4.5 to 1 for text, and colour is never the only sign. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #16202b; --soft: #4c5967; --line: #d5dae0;
  --awake: #2f8f5b; --asleep: #4a5ab5; --moving: #c77d0a; --bad: #b3261e; --press: #1d5fb4; --on-press: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10151b; --card: #1a222b; --ink: #e8edf2; --soft: #a7b3bf; --line: #34404c;
    --awake: #4cc38a; --asleep: #8d9bf0; --moving: #f0b04a; --bad: #ff8a80; --press: #9cc4ff; --on-press: #0c1a2b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; margin: .25rem 0 1rem; }
h2 { font-size: 1.2rem; margin: 0; } h3 { font-size: .95rem; margin: 1.1rem 0 .35rem; }
p { margin: .3rem 0; } ul { margin: 0; padding: 0; list-style: none; }
section.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem; margin: 0 0 1rem; }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .75rem; }
.soft { color: var(--soft); font-size: .9rem; }
.phase { font-weight: 700; padding: .05rem .6rem; border-radius: 1rem; border: 2px solid currentcolor; }
.phase.awake { color: var(--awake); } .phase.asleep { color: var(--asleep); }
.phase.starting, .phase.stopping, .phase.unknown { color: var(--moving); } .phase.never-stopped { color: var(--soft); }
@media (prefers-color-scheme: light) { .phase.awake { color: #1e6b42; } .phase.starting, .phase.stopping, .phase.unknown { color: #855200; } }
.clock { font-variant-numeric: tabular-nums; }
.error { border-left: 4px solid var(--bad); padding: .4rem .75rem; margin: .5rem 0; overflow-wrap: anywhere; }
.hint { border-left: 4px solid var(--moving); padding: .3rem .75rem; margin: .5rem 0; }
.row { display: grid; grid-template-columns: 9rem 1fr; gap: .5rem; align-items: center; margin: .15rem 0; }
.row svg { width: 100%; height: 18px; display: block; overflow: visible; }
.row .axis { height: 16px; } .axis text { font-size: 11px; fill: var(--soft); }
rect.awake { fill: var(--awake); } rect.asleep { fill: var(--asleep); } rect.starting, rect.stopping { fill: var(--moving); }
rect.calendar { stroke: var(--ink); stroke-dasharray: 3 3; } rect.override { stroke: var(--ink); stroke-width: 2; }
line.now { stroke: var(--ink); stroke-width: 2; } line.tick { stroke: var(--line); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--soft); margin-top: .3rem; }
.key i { display: inline-block; width: .9rem; height: .7rem; margin-right: .35rem; border-radius: 2px; }
.key .awake { background: var(--awake); } .key .asleep { background: var(--asleep); } .key .moving { background: var(--moving); }
.key .calendar { border: 2px dashed var(--ink); } .key .override { border: 2px solid var(--ink); }
button.link { font: inherit; color: var(--press); background: none; border: 0; padding: .1rem 0; text-align: left; cursor: pointer; text-decoration: underline; overflow-wrap: anywhere; }
li { padding: .25rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; } li:first-child { border-top: 0; }
form { display: grid; grid-template-columns: 9rem 1fr; gap: .5rem; align-items: end; margin-top: .4rem; }
form .buttons { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .5rem; }
label { font-size: .9rem; display: block; } input { font: inherit; width: 100%; padding: .45rem .6rem; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: .4rem; }
form button, dialog button { font: inherit; min-height: 2.75rem; padding: .4rem 1rem; border-radius: .4rem; border: 1px solid var(--press); background: var(--press); color: var(--on-press); cursor: pointer; }
form button.quiet, dialog button { background: transparent; color: var(--press); }
button:disabled { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid var(--press); outline-offset: 2px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 0 1.5rem; }
dialog { color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: .75rem; width: min(48rem, calc(100vw - 2rem)); max-height: 85vh; overflow: auto; }
dialog::backdrop { background: rgb(0 0 0 / 50%); }
.result { white-space: pre-line; margin: .5rem 0 0; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 40rem) { main { padding: .6rem; } .row { grid-template-columns: 1fr; gap: 0; margin: .5rem 0; } form { grid-template-columns: 1fr; } form button { flex: 1 1 8rem; } }
`;
