import { randomInt } from 'node:crypto';

/** Names for containers that were given none: adjective_harbour. */
const ADJECTIVES = (
  'able agile alert amber ample azure balmy bold brave breezy bright brisk calm candid careful cheerful clear clever coastal cool cosy ' +
  'crisp curious daring deft dapper eager early earnest easy elegant fair famous fearless fine firm fond free fresh friendly frosty gallant ' +
  'gentle gifted glad golden graceful grand hardy hearty honest humble jolly jovial keen kind lively loyal lucid lucky mellow merry mighty ' +
  'mild modest neat nimble noble patient placid plucky polite proud quick quiet radiant ready robust serene sharp shiny silent silver sleek ' +
  'smart smooth snug solid spry stately steady still stout sturdy subtle sunny sure swift tender tidy tranquil trusty upbeat vivid warm ' +
  'watchful wise witty zealous'
).split(' ');
const HARBOURS = (
  'aalborg aarhus accra aden agadir alexandria algeciras ancona antalya antwerp aveiro bari barcelona bastia beirut belfast bergen bilbao ' +
  'bordeaux bremen brest brindisi bristol busan cadiz cagliari calais cardiff cartagena casablanca catania cherbourg cork corunna dakar ' +
  'dieppe dover dublin durban esbjerg falmouth ferrol flensburg fremantle galway gdansk gdynia geelong genoa ghent gijon goole grimsby ' +
  'halifax hamburg hamina haugesund helsinki hobart hull izmir jeddah kiel klaipeda kobe koper kotka larnaca leith lerwick limassol lisbon ' +
  'livorno lome lorient lubeck lulea malaga malmo marseille mersin messina miri mombasa nantes naples narvik nelson oban odense oporto oran ' +
  'osaka oslo ostend oulu palermo patras penzance piraeus plymouth ponce poole porto ravenna rijeka riga rostock rotterdam rouen savona ' +
  'setubal sines split stavanger suez sydney tallinn tangier taranto tema toulon tromso trieste turku valencia varna venice vigo visby yokohama'
).split(' ');

const pick = (words: readonly string[]): string => words[randomInt(words.length)] as string;

/** From the second attempt on with a digit, since the plain name was taken. */
export function generateName(attempt: number): string {
  const name = `${pick(ADJECTIVES)}_${pick(HARBOURS)}`;
  return attempt === 0 ? name : `${name}${randomInt(10)}`;
}
