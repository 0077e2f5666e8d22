/** Names, places and opening sentences that give every problem statement its own story. */
import { pool } from './wording.ts'
import type { Random } from './random.ts'

const PEOPLE = (
  'Amara Bjorn Chiara Dmitri Elif Farida Gustavo Hana Imani Jorge Katya Liang Maren Nadia Oskar Priya Quentin Rosalind ' +
  'Santiago Tomoko Umar Valeria Wanjiru Ximena Yusuf Zelda Anouk Bilal Cosima Desmond Esme Faisal Greta Hideo Ingrid Joaquin'
).split(' ')
const TOWNS = (
  'Aldermoor Brackwater Calverleigh Dunmarrow Eskholm Fairhythe Gransted Hollowmere Ivelstone Juniper-Falls Kestrelby ' +
  'Lowenfeld Marrowick Northquay Ostervale Pellham Quillbrook Ravensea Silverton Thornaby Umberley Vexford Westerhope Yarrowdale'
).split(' ')
const WORKPLACES = (
  'bakery,lighthouse,observatory,greenhouse,printing press,ferry terminal,clock workshop,seed library,pottery studio,' +
  'weather station,railway depot,apple orchard,chess club,theatre,aquarium,map archive,bicycle garage,honey farm,' +
  'glass foundry,tea house,music school,radio station,paper mill,botanical garden'
).split(',')
const QUALITIES = (
  'small,crowded,famous,quiet,restored,drafty,modern,century-old,cheerful,sprawling,narrow,riverside,underground,sunlit,' +
  'busy,half-finished,well-kept,secluded,wooden,hillside'
).split(',')
const GROUPS = (
  'apprentices,volunteers,engineers,students,cartographers,gardeners,musicians,couriers,technicians,archivists,sailors,' +
  'inspectors,climbers,bakers,astronomers,weavers,beekeepers,librarians'
).split(',')
const HABITS = (
  'count the deliveries before sunrise,keep careful records of every visitor,argue about puzzles over lunch,' +
  'repaint the shutters each spring,prepare exercises for the newcomers,label the shelves by hand,' +
  'measure the rainfall twice a day,trade riddles on the evening train,repair whatever the storm has broken,' +
  'exchange notebooks every Friday,test one another with short questions,plan the harvest festival,' +
  'sort old photographs by decade,hold a contest when the river freezes,draw diagrams on the kitchen wall,' +
  'compare instruments from different countries'
).split(',')
const MOMENTS = (
  'On a foggy morning,Late one evening,During the autumn fair,After a long drought,Before the annual audit,' +
  'While waiting for the tide,On the first day of training,Halfway through the season,Shortly after the reopening,' +
  'In the middle of a power cut,The day before the parade,Between two rehearsals,At the end of a snowy week,' +
  'When the new director arrived,On the night of the eclipse,During a slow afternoon'
).split(',')
const DISCOVERIES = (
  'found a forgotten ledger,opened a dusty crate,received a letter without a sender,sketched an idea on a napkin,' +
  'borrowed a battered textbook,noticed a pattern in the tiles,inherited a box of index cards,' +
  'overheard a debate in the corridor,unrolled a faded blueprint,rebuilt an old calculating machine,' +
  'won a bet against a colleague,translated a page of an almanac'
).split(',')
const REASONS = (
  'The result decides how supplies are shared,Nobody had written the rule down before,The answer is needed for a poster,' +
  'A mistake last year cost the team a medal,The question now hangs above the entrance,The budget depends on it,' +
  'Two earlier attempts disagreed with each other,The prize is a jar of plum jam,A visiting judge will check the work,' +
  'The harbour master wants an exact value,It became the favourite puzzle of the winter,Only a precise argument will convince the owner'
).split(',')

const PASTS = (
  'sailed round the southern cape,taught geography in a mountain village,repaired pianos for a living,' +
  'worked nights at an emergency line,studied ancient alphabets,designed stage lighting,kept bees on a rooftop,' +
  'drove a mobile library,mapped caves by candlelight,translated operas,bred racing pigeons,restored mosaics,' +
  'built wooden kayaks,lectured about comets,tuned church organs,raised alpacas'
).split(',')
const SCENES = (
  'rain drums against the windows,a brass band rehearses across the square,the smell of cardamom fills the hallway,' +
  'fishing boats return one by one,children chase a runaway balloon,an old generator hums in the basement,' +
  'cranes unload timber on the pier,lanterns sway above the market,a tram squeals round the corner,' +
  'swallows nest under the gutter,steam rises from the laundry,somebody is practising the trombone,' +
  'frost covers the skylights,carpenters argue over a staircase,goats wander across the lawn,wind turbines turn lazily'
).split(',')

/** A person's name, the same throughout a statement. */
export const person = pool('person', PEOPLE)
/** A town's name. */
export const town = pool('town', TOWNS)
/** A place of work, without an article. */
export const workplace = pool('workplace', WORKPLACES)

/**
 * Opening sentences, up to five and at least `least`. They hold no condition of the problem. The names that they use are
 * put into `drawn`, so that the question speaks of the same people.
 */
export function openingStory(random: Random, drawn: Map<string, string>, least: number): string {
  const name = random.pick(PEOPLE)
  const place = random.pick(WORKPLACES)
  const where = random.pick(TOWNS)
  const people = random.pick(GROUPS)
  for (const [key, value] of [
    ['person', name],
    ['workplace', place],
    ['town', where],
    ['group', people],
  ] as const) {
    drawn.set(key, value)
  }
  const quality = random.pick(QUALITIES)
  const article = /^[aeiou]/.test(quality) ? 'an' : 'a'
  const sentences = [
    random.pick([
      `${name} looks after ${article} ${quality} ${place} near ${where}.`,
      `There is ${article} ${quality} ${place} in ${where} where ${name} works.`,
      `The ${quality} ${place} of ${where} belongs to ${name}.`,
    ]),
    random.pick([
      `The ${people} there ${random.pick(HABITS)}.`,
      `Its ${people} like to ${random.pick(HABITS)}.`,
      `Most of the ${people} ${random.pick(HABITS)}, and some ${random.pick(HABITS)}.`,
    ]),
    random.pick([
      `${random.pick(MOMENTS)}, ${name} ${random.pick(DISCOVERIES)}.`,
      `${random.pick(MOMENTS)}, one of the ${people} ${random.pick(DISCOVERIES)}.`,
    ]),
    random.pick([
      `Years ago ${name} ${random.pick(PASTS)}, and before that ${random.pick(PASTS)}.`,
      `One of the ${people} once ${random.pick(PASTS)}.`,
      `Long before, ${name} ${random.pick(PASTS)}.`,
    ]),
    random.pick([
      `Today ${random.pick(SCENES)} while ${random.pick(SCENES)}.`,
      `Meanwhile ${random.pick(SCENES)}.`,
      `Outside, ${random.pick(SCENES)}.`,
    ]),
    `${random.pick(REASONS)}.`,
  ]
  const count = Math.max(
    least,
    random.weighted([0, 1, 2, 3, 4], (n) => [1, 3, 4, 3, 2][n] ?? 0),
  )
  const chosen = new Set(random.sample([0, 1, 2, 3, 4, 5], count))
  // "Its gardeners" needs the sentence that names the place.
  if (chosen.has(1)) chosen.add(0)
  return sentences.filter((_, index) => chosen.has(index)).join(' ')
}
