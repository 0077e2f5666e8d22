// Human problems for the chaos runs, where the project's examples are not there: short, with words that the simulated annotators know.
const math = [
  ['Find the remainder when 7^{100} is divided by 13.', '9'],
  ['What is the greatest common divisor of 84 and 126?', '42'],
  ['How many positive divisors does 360 have?', '24'],
  ['Find the least common multiple of 12, 18 and 20.', '180'],
  ['How many perfect squares are there between 10 and 200?', '11'],
  ['What is the units digit of 3^{47}?', '7'],
  ['In how many ways can a committee of 3 be chosen from 8 people?', '56'],
  ['How many lattice paths of unit steps right and up lead from (0, 0) to (4, 3)?', '35'],
  ['Two fair dice are rolled. What is the probability that the sum of the faces is 9?', '\\frac{1}{9}'],
  [
    'A bag holds 4 red and 6 blue balls. Two are drawn without replacement. What is the probability that both are red?',
    '\\frac{2}{15}',
  ],
  ['Find the expected number of heads in 10 tosses of a fair coin.', '5'],
  ['In how many ways can 5 people be seated in a row?', '120'],
  ['In how many ways can 7 identical balls be put into 3 boxes?', '36'],
  ['Find the sum of all integers from 1 to 50 that are divisible by 7.', '196'],
  ['What is the smallest positive integer that leaves a remainder of 2 modulo 5 and 3 modulo 7?', '17'],
  ['Write the binary number 101101 in base 10.', '45'],
  ['How many subsets of a set of 6 elements have at least one element?', '63'],
  ['Find the largest prime factor of 1001.', '13'],
  ['How many 3-digit numbers have a sum of digits equal to 4?', '10'],
  ['Find the number of positive integer solutions of x + y = 12.', '11'],
]
const code = [
  ['Read a whole number n and print the sum of its digits.', '1234', '10'],
  ['Read two whole numbers and print their greatest common divisor.', '12 18', '6'],
  ['Read a line of whole numbers and print the largest.', '3 9 2', '9'],
  ['Read a string and print it reversed.', 'abc', 'cba'],
  ['Read n and print the n-th Fibonacci number, the first two being 1.', '7', '13'],
  ['Read a line of numbers and print them in ascending order.', '3 1 2', '1 2 3'],
  ['Read n and print how many primes are at most n.', '20', '8'],
  ['Read a string and print how often each letter occurs, by letter, as a1b2.', 'abb', 'a1b2'],
  ['Read a line of numbers and print the largest sum of a contiguous subarray.', '1 -2 3 4', '7'],
  ['Read a string of brackets and print yes if they are balanced, else no.', '(())', 'yes'],
  ['Read two strings and print the length of their longest common subsequence.', 'abcd bd', '2'],
  ['Read a sorted line of numbers and, on the next line, a target; print its index by binary search.', '1 3 5\n3', '1'],
  ['Read a line of words and print the longest one.', 'a bbb cc', 'bbb'],
  ['Read a line of numbers and print how many distinct ones there are.', '1 1 2', '2'],
  ['Read n and print n! (the factorial).', '5', '120'],
  ['Read a whole number and print it in binary.', '10', '1010'],
  ['Read a grid of 0 and 1 and print the number of ones in it.', '01\n11', '3'],
  [
    'Read coins on one line and an amount on the next; print the fewest coins that make the amount (dynamic programming).',
    '1 5 10\n16',
    '3',
  ],
  ['Read a string and print yes if it is a palindrome, else no.', 'level', 'yes'],
  ['Read a line of numbers and print their median.', '5 1 3', '3'],
]

/** 20 problems of mathematics with answers and 20 of programming with tests, as `ingest` takes them. */
export const humanLines = [
  ...math.map(([problem, answer]) => ({ domain: 'math', source: 'chaos', problem, answer })),
  ...code.map(([problem, input, output]) => ({ domain: 'code', source: 'chaos', problem, tests: [{ input, output }] })),
]

/** Problems without answers and tests: each needs votes or written tests. */
export const problemsToVote = [...humanLines.slice(0, 5), ...humanLines.slice(20, 24)].map(
  ({ domain, source, problem }) => ({ domain, source, problem }),
)

const greatestDivisor = (a, b) => (b === 0 ? a : greatestDivisor(b, a % b))

/** A problem of its own for every number from 1 on: with an answer, with tests, or with neither. */
export function numberedProblem(number) {
  const made = { source: 'chaos' }
  const [a, b] = [1000 + 6 * number, 90 + 4 * number]
  const ways = [
    () => ({
      domain: 'math',
      problem: `What is the greatest common divisor of ${a} and ${b}?`,
      answer: String(greatestDivisor(a, b)),
    }),
    () => ({
      domain: 'code',
      problem: `Read a whole number n and print the sum of n and ${a}.`,
      tests: [{ input: '5', output: String(5 + a) }],
    }),
    () => ({ domain: 'math', problem: `How many positive divisors does ${a} have?` }),
    () => ({
      domain: 'math',
      problem: `Find the remainder when ${a} is divided by ${b}.`,
      answer: String(a % b),
    }),
    () => ({ domain: 'code', problem: `Read a whole number n and print the product of n and ${b}.` }),
  ]
  return { ...made, ...ways[number % ways.length]() }
}
