/** Style and script of the page. Their hashes are in its policy: nothing else runs. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1a1d21;--soft:#545b65;--line:#d5d9df;--press:#0b57d0;--on-press:#fff;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1e2226;--ink:#eceff2;--soft:#b0b8c1;--line:#3a4047;--press:#8ab4f8;--on-press:#0b1a33;--bad:#f2b8b5}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:34rem;margin:0 auto;padding:1.25rem 1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:0 0 1rem}
.problem{border:2px solid var(--bad)}
.soft,footer{color:var(--soft);font-size:.9375rem}
label{display:block;font-weight:600;margin:.75rem 0 0}
input:not([type=hidden]){font:inherit;width:100%;min-height:3rem;padding:.5rem .75rem;margin:.25rem 0 0;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.5rem}
button,a.button{font:inherit;font-weight:700;display:flex;align-items:center;justify-content:center;width:100%;min-height:3.25rem;padding:.5rem 1rem;margin:1.25rem 0 0;border:2px solid var(--press);border-radius:.5rem;background:var(--press);color:var(--on-press);cursor:pointer;text-decoration:none}
a.button{background:transparent;color:var(--press)}
:focus-visible{outline:3px solid var(--press);outline-offset:2px}
ol{list-style:none;margin:0;padding:0}
li{padding:.375rem 0;border-top:1px solid var(--line)}
li:first-child{border-top:0}
@media (min-width:40rem){main{padding:2.5rem 1rem}.card{padding:1.5rem}}
`.replaceAll('\n', '');

/**
 * Asks for the same address again. What does not come from the doorbell is the application's: then the page is loaded anew. A
 * throttled or failed request is asked again, so that a thousand browsers lose none.
 */
export const SCRIPT = `
(()=>{
const wait=s=>new Promise(r=>setTimeout(r,s*1000));
const seconds=()=>Number(document.getElementById('doorbell').dataset.seconds)||15;
(async()=>{
for(;;){
await wait(seconds());
if(document.hidden)continue;
let r;
try{r=await fetch(location.href,{cache:'no-store',redirect:'manual'})}catch{continue}
const ours=r.headers.get('x-nightshift-doorbell');
if(r.type==='opaqueredirect'||(!ours&&r.status<500)){location.reload();return}
if(!ours)continue;
const next=new DOMParser().parseFromString(await r.text(),'text/html').getElementById('doorbell');
const now=document.getElementById('doorbell');
if(!next||(now.dataset.kind==='asking'&&next.dataset.kind==='asking'))continue;
if(next.innerHTML!==now.innerHTML){
if(next.dataset.kind===now.dataset.kind){
for(const part of ['h1','[role=status]']){const a=now.querySelector(part),b=next.querySelector(part);if(a&&b&&a.innerHTML!==b.innerHTML)a.innerHTML=b.innerHTML}
}else now.replaceChildren(...next.childNodes);
now.dataset.kind=next.dataset.kind;
document.title=now.querySelector('h1').textContent;
}
now.dataset.seconds=next.dataset.seconds;
}
})()
})()
`.trim();
