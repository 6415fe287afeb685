/**
 * The script of the page: asks for the same address again. Its hash is in the policy of the page: nothing else runs. What does not come from the doorbell is the application's: then the page is loaded anew. A
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
for(const part of ['h1','[role=status]']){const a=now.querySelector(part),b=next.querySelector(part);if(a&&b&&a.innerHTML!==b.innerHTML){a.innerHTML=b.innerHTML;a.className=b.className}}
}else now.replaceChildren(...next.childNodes);
now.dataset.kind=next.dataset.kind;
document.title=now.querySelector('h1').textContent;
}
now.dataset.seconds=next.dataset.seconds;
}
})()
})()
`.trim();
