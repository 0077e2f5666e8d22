/**
 * The concepts that the simulated annotators know, grouped in clusters, each with the words of a text that call it to mind.
 */
import { FAMILIES } from './families/all.ts'

/** One concept. */
export interface Concept {
  name: string
  /** Another name for the same thing, used by some annotators. */
  otherName?: string
  domain: 'math' | 'code' | 'sql'
  /** Related concepts share a cluster. */
  cluster: string
  /** Finds the words that call the concept to mind in lower-case text; undefined where only a family does. */
  trigger?: RegExp
}

/** Each line: name / other name : words (a leading part of a word is enough). */
const TABLE: Record<`${Concept['domain']} ${string}`, string> = {
  'math number theory': `
modular arithmetic / congruences modulo n : modulo, congruent, remainder, mod\\b, pmod
Euler's theorem / Euler's totient theorem : coprime exponent, totient, phi\\(
Fermat's little theorem : prime modulus, p-1
exponentiation / powers of integers : power, exponent, \\^\\{
remainders / division with remainder : remainder, left over, divided by
cyclic patterns / periodicity of residues : last digit, units digit, repeats, advanced by, cycle
prime factorization / factorization into primes : prime factor, factoriz, divisor, cdot
prime numbers : prime
number of divisors / divisor function : divisors, factors of, divides
perfect squares / square numbers : perfect square, square number
divisibility : divisible, divides, multiple of, divisor
greatest common divisor / Euclidean algorithm : greatest common, gcd, relatively prime, coprime
least common multiple : least common, lcm
number bases / positional numeral systems : base, binary, digits, octal
digit sums : sum of the digits, digit
Diophantine equations / integer solutions of equations : integer solutions, positive integers, integers
Chinese remainder theorem : leaves a remainder, simultaneous congruence`,
  'math counting': `
lattice paths / grid walks : unit right, unit up, grid, paths from, unit steps, coordinate by
binomial coefficients / Pascal's triangle : binom, choose, pascal
counting principles / fundamental counting principle : how many, in how many, number of ways
combinatorics / enumerative combinatorics : how many ways, arrange, selections, count
complementary counting : at least, stay clear, not all, none of
combinations / subsets of fixed size : committee, choose, select, delegation, teams of
permutations / arrangements in order : arrange, permutation, order, seated
casework / splitting into cases : at least, either, cases
inclusion-exclusion principle : at least one, both, neither
multiplication principle / product rule of counting : independent, each, outfits, choices
pigeonhole principle : must contain two, guarantee
derangements : own hat, fixed point
stars and bars : distribute, identical, nonnegative integer`,
  'math probability': `
probability / elementary probability : probability, chance, likely, random
dice / fair dice : dice, die, spinner
generating functions : generating function, dice, sum of the faces
sample space / equally likely outcomes : equally likely, fair, outcomes, at random
expected value / mathematical expectation : expected, on average, average number
linearity of expectation : expected number, e\\(t\\)
sampling without replacement / urn models : without replacement, drawn, shuffled, inspector
random variables : random variable, let \\$t\\$
symmetry / symmetry arguments : symmetr, by symmetry
conditional probability / Bayes' rule : given that, conditional
independence of events : independent
mean and median / measures of centre : average, mean, median, mode
standard deviation : deviation, variance
statistics and data : data, table, survey, graph below`,
  'math algebra': `
quadratic equations / second-degree equations : quadratic, x\\^2, roots
quadratic formula : real root, quadratic, solutions of
discriminant : discriminant, real roots, two real
radicals / roots and radicals : sqrt, radical
completing the square : complete the square, vertex, x\\^2
Vieta's formulas / sums and products of roots : roots of, zeros, r \\+ s, sum of the roots
symmetric polynomials / symmetric functions : r\\^, symmetric, roots
polynomial roots / zeros of polynomials : roots, zeros, polynomial
Newton's identities / power sums : sum of the .*powers, r\\^\\d \\+
algebraic manipulation / simplification of expressions : simplify, express, evaluate, factor
systems of linear equations / simultaneous equations : system, equations
elimination method / Gaussian elimination : system, equations
Cramer's rule / determinants : determinant, unique solution, only solution
ordered pairs and triples / tuples : ordered
matrices : matrix, matrices, pmatrix
inequalities : inequality, leq?\\b, geq?\\b, greater than, less than
absolute value : absolute value, \\|x, \\|\\d
interval notation : interval
sign analysis / sign charts : inequality, positive values, negative values
rational functions : frac\\{x, rational function, asymptote
polynomials / polynomial arithmetic : polynomial, degree
factoring : factor
functions / function evaluation : function, f\\(x\\)
function composition : f\\(g, composition, f\\(f
inverse functions : inverse
logarithms : log
exponential growth : doubles, grows, exponential
complex numbers : complex, imaginary, \\|z\\|
AM-GM inequality : minimum value, maximum value, positive real
floor and ceiling functions : floor, lfloor, lceil, greatest integer
linear functions / slope of a line : slope, line, linear
proportions / direct and inverse proportion : proportional, varies, ratio
percentages : percent, \\\\%
rates and speed / distance, rate and time : speed, miles per hour, hours, rate
fractions / rational numbers : fraction, frac
order of operations / arithmetic : compute, calculate, evaluate
unit conversion : inches, feet, meters, minutes, cents`,
  'math sequences': `
geometric series / geometric progressions : geometric
infinite sums / series : infinite, infty, sum_, ldots
convergence / limits : convergent, limit, without end
sequences / number sequences : sequence, term
ratios / common ratio : ratio
recurrence relations / recursive sequences : recurrence, a_\\{n, each later stage
characteristic equation : linear recurrence, a_\\{n\\+2
iteration / repeated application : stage, repeatedly, iterat
Fibonacci numbers : fibonacci, a_\\{n\\+2\\}
arithmetic sequences / arithmetic progressions : arithmetic sequence, arithmetic progression, common difference
telescoping sums : telescop, frac\\{1\\}\\{k
mathematical induction : for all positive integers, induction`,
  'math geometry': `
area of a circle : circle, disc, radius
circular sectors / sectors and arcs : sector, arc, sweeps
central angles : central angle, angle
radian measure : radian, pi\\b
annulus / ring-shaped regions : ring, concentric, annul
Heron's formula : side lengths, three sides, pairwise distances
triangle area / area of triangles : triangle, triangular, area
triangle inequality : sides of a triangle, side lengths
law of cosines / cosine rule : triangle, cosine
square roots : sqrt, square root
polar coordinates : polar, theta
trigonometric functions / sine and cosine : sin\\b, cos\\b, tan\\b, theta
unit circle : theta, unit circle, angle
coordinate geometry / Cartesian coordinates : coordinates, plane, point \\$, graph of
Pythagorean theorem / right triangles : right triangle, hypotenuse, right angle, distance
similar triangles / similarity : similar
circle theorems / inscribed angles : inscribed, tangent, chord, circumscribed
polygons / regular polygons : hexagon, octagon, pentagon, polygon
angles in polygons / angle sums : angle, degrees
volume of solids / volume : volume, cube, cylinder, sphere, cone
surface area : surface area
perimeter : perimeter, fence
vectors / dot product : vector, mathbf, dot product
parallel lines / transversals : parallel
conic sections / parabolas and ellipses : parabola, ellipse, hyperbola, focus
symmetry and reflections : reflect, rotat, mirror`,
  'code arrays': `
prefix sums / cumulative sums : consecutive, contiguous, range sum, cumulative, neighbouring
sliding window / two ends of a window : window, consecutive, stretch, subarray
arrays / one-dimensional arrays : array, list, sequence
contiguous subarrays / segments of an array : subarray, consecutive, contiguous, block
monotonic queue / deque : window, at most, deque
two pointers : pair, sorted array, two
sorting / comparison sorting : sort, order, ascending, descending, smallest
searching in lists : search, index, position, first occurrence, last occurrence
matrix manipulation / two-dimensional arrays : matrix, 2d, rows, grid, table
list comprehensions / mapping and filtering : lambda, filter, map, elements
tuples and records : tuple
frequency counting / counters : frequency, count, occur, most common, duplicate
set operations / set membership : set, unique, distinct, common elements, similar elements
prefix and suffix maxima : greatest so far, maximum
heaps / heap selection : heap, largest, smallest items`,
  'code strings': `
string processing / text manipulation : string, text, characters, word
stacks / last in first out : stack, bracket, nested
balanced parentheses / bracket matching : bracket, parenthes, balanced
parsing / reading structured text : pars, expression, tokens, format
regular expressions / pattern matching : regex, regular expression, pattern
string search / substring matching : substring, occurrence, contains
palindromes : palindrom
run-length encoding / string compression : run, consecutive equal, compress
character frequency / letter counts : character, letter, frequency
lexicographic order / string comparison : alphabet, lexicograph, dictionary order
case conversion : uppercase, lowercase, case
string formatting / output formatting : print, format, convert`,
  'code dynamic programming': `
dynamic programming / optimal substructure : minimum number, maximum number, number of ways, cost path, fill
knapsack problem / subset sums : coin, subset, weight, amount
combinatorial counting / counting with recurrences : number of ways, ways to
modular arithmetic in programs / results modulo a number : modulo, mod
memoization / caching of subproblems : recursive, memo, overlapping
longest increasing subsequence : subsequence, increasing
longest common subsequence / edit distance : common subsequence, edit, transform
grid dynamic programming / path counting : path, grid, matrix, cost`,
  'code greedy and search': `
greedy algorithms / greedy choice : greedy, maximum number, minimum number, fewest, as many as
interval scheduling / activity selection : interval, booking, meeting, start, end
sweep line / event sorting : overlap, active, bookings
priority queues / binary heaps : priority, heap, earliest, nearest
binary search / bisection : sorted, smallest .* such that, capacity, least
binary search on the answer : smallest capacity, minimise the maximum, days
recursion / recursive functions : recurs, factorial, nested
backtracking / exhaustive search : all possible, permutations, combinations
divide and conquer : halves, merge, divide
simulation / step by step simulation : circle, each round, simulate, removed, rotations`,
  'code graphs': `
breadth-first search / shortest unweighted paths : shortest, steps, maze, grid
graph traversal / connectivity : graph, connected, reach, roads, network
shortest paths / Dijkstra's algorithm : shortest, distance, cost, travel time
union-find / disjoint sets : connected, groups, merge, components
connected components : component, connected, cluster, groups
trees / rooted trees : tree, root, node, binary tree
adjacency lists : edges, vertices, roads, connections
grid navigation / moves on a grid : grid, cells, maze, map
topological sorting / dependency order : prerequisite, depends, before`,
  'code data structures': `
hash maps / dictionaries : dictionary, key, pairs, lookup, hash
monotonic stack / next greater element : next greater, taller, warmer, first later
queues / first in first out : queue, waiting line
linked lists : linked list
range queries / offline queries : queries, query, range
pair counting / counting pairs with hash maps : pairs, pair
ties and stable ordering / tie-breaking rules : ties, tie, first appear
circular lists / Josephus problem : circle, eliminated, every .*-th`,
  'code number algorithms': `
sieve of Eratosthenes / prime sieves : prime
primality testing / trial division : prime
digit manipulation / digits of an integer : digit
greatest common divisor algorithm / Euclid's algorithm in programs : gcd, common divisor
bit manipulation / bitwise operators : bit, binary, xor
integer division and remainders : divisible, remainder, divide, even, odd
number conversion / base conversion in programs : decimal, binary, hexadecimal, octal, convert
mathematical formulas in programs / direct computation : area, volume, perimeter, nth, series, number`,
  'code program basics': `
loops / iteration over ranges : each, every, iterate, number of
conditionals / branching : check, whether, if
functions and parameters : function
data types and conversion / type checking : type, convert, integer
input and output handling / reading standard input : input, line, print
edge case handling / boundary conditions : empty, zero, -1, none`,
  'sql queries': `
selection and filtering / row predicates : where, at least, whose, large
inner and outer joins / joining tables : tables, join, belongs, their records
anti-joins / rows without a match : without, no matching, never
subqueries / nested queries : greatest there, subquer, compared with
common table expressions / named subqueries : with one query, step
set operations / unions and intersections : union, intersect, except
distinct values / removing repeats : distinct, different
null handling / missing values : 0 where there are none, null, missing
keys and references / primary and foreign keys : id, key`,
  'sql aggregation': `
grouping and aggregation / aggregate functions : sum, number of, average, for every
filtering groups / having clauses : at least two, more than, having
ordering and limits / sorted results : from the most, by name, order, first
window functions / ranking within groups : for every city, rank, running
conditional aggregation / counting by case : number of large, share
counting rows / row counts : the number of`,
}

function compileTrigger(words: string[]): RegExp | undefined {
  const usable = words.filter((word) => word.length > 1)
  if (usable.length === 0) return undefined
  const alternatives = usable.map((word) => (/^[a-z]/.test(word) ? `\\b${word}` : word))
  return new RegExp(alternatives.join('|'), 'g')
}

function readTable(): Concept[] {
  return Object.entries(TABLE).flatMap(([head, lines]) => {
    const [domain, ...words] = head.split(' ') as [Concept['domain'], ...string[]]
    const cluster = words.join(' ')
    return lines
      .trim()
      .split('\n')
      .map((line): Concept => {
        const [names = '', triggers = ''] = line.split(' : ')
        const [name = '', otherName] = names.split(' / ')
        const trigger = compileTrigger(triggers.split(', ').map((word) => word.trim()))
        return { name, domain, cluster, ...(otherName && { otherName }), ...(trigger && { trigger }) }
      })
  })
}

/** Every concept. */
export const CONCEPTS: readonly Concept[] = readTable()

/** A concept's name as it is compared: lower case, letters, digits and single spaces only. */
export function conceptKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}

const byName = new Map<string, Concept>()
for (const concept of CONCEPTS) {
  byName.set(conceptKey(concept.name), concept)
  if (concept.otherName !== undefined) byName.set(conceptKey(concept.otherName), concept)
}

/** The concept of a name, whichever of its names is used. */
export function findConcept(name: string): Concept | undefined {
  return byName.get(conceptKey(name))
}

/** The concepts of a family by its name. */
const familyConcepts = new Map(FAMILIES.map((family) => [family.name, family.concepts]))

/** The concepts of the family with this name. */
export function conceptsOfFamily(family: string): readonly string[] {
  return familyConcepts.get(family) ?? []
}
