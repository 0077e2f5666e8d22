/** Sends a prompt to the task that it asks for. */
import type { Task } from '../prompts.ts'
import { annotate } from './annotate.ts'
import { judge } from './judge.ts'
import { rationalise } from './rationalise.ts'
import { solveCode, solveMath } from './solve.ts'
import { synthesise } from './synthesise.ts'
import type { Generation, TaskContext } from './task.ts'
import { writeTest } from './write-test.ts'

/** Answers a recognised prompt. */
export function answerTask(context: TaskContext, task: Task): Generation {
  switch (task.kind) {
    case 'annotate':
      return annotate(context, task.statement)
    case 'synthesise':
      return synthesise(context, task.concepts, task.level, task.continuation)
    case 'rationalise':
      return rationalise(context, task)
    case 'judge':
      return judge(context, task.level, task.statement)
    case 'write-test':
      return writeTest(context, task.testKind, task.statement, task.further)
    case 'solve-math':
      return solveMath(context, task.statement)
    case 'solve-code':
      return solveCode(context, task.statement)
    case 'solve-sql':
      return solveCode(context, task.statement, 'sql')
    case 'other':
      return {
        content: context.random.pick([
          'I am a simulated model: I answer the prompts of a problem pipeline, and this is not one of them.',
          'This is a simulated endpoint. The question is outside of what its models were made for.',
        ]),
        facts: [],
      }
  }
}
