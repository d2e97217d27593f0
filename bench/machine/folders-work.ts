/** Seconds. */
export interface Times {
  write: number;
  read: number;
  again: number;
  make: number;
  stat: number;
  load: number;
  remove: number;
}

/** For `node - PLACE FILES MIB` in the guest: what is measured, as a program of its own. Prints `Times`. */
export const WORK = `
const fs = require('fs');
const [place, files, mebibytes] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const block = Buffer.alloc(1048576, 'berth ');
const small = block.subarray(0, 1024);
const result = {};
const time = (name, work) => { const begun = performance.now(); work(); result[name] = (performance.now() - begun) / 1000; };
const forget = () => { require('child_process').execSync('sync'); fs.writeFileSync('/proc/sys/vm/drop_caches', '3'); };
const names = [];
for (let index = 0; index < files; index++) names.push(place + '/' + (index % 50) + '/' + index);
fs.rmSync(place, { recursive: true, force: true });
fs.mkdirSync(place, { recursive: true });
time('write', () => {
  const fd = fs.openSync(place + '/large', 'w');
  for (let index = 0; index < mebibytes; index++) fs.writeSync(fd, block);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
});
const read = () => { const fd = fs.openSync(place + '/large'); while (fs.readSync(fd, block) > 0); fs.closeSync(fd); };
forget();
time('read', read);
time('again', read);
time('make', () => {
  for (let index = 0; index < 50; index++) fs.mkdirSync(place + '/' + index);
  for (const name of names) fs.writeFileSync(name, small);
});
forget();
time('stat', () => { for (const name of names) fs.statSync(name); });
time('load', () => { for (const name of names) fs.readFileSync(name); });
time('remove', () => fs.rmSync(place, { recursive: true }));
console.log(JSON.stringify(result));
`;
