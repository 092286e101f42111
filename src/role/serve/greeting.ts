import { VERSION } from '../version.ts'

/** What `start` prints once requests are answered: the lines to copy next. `Ready.` is what scripts wait for. */
export function greeting(
  options: { host: string; state: string; engines: 'real' | 'simulated' },
  port: number,
): string {
  const host = options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host
  const where = options.engines === 'simulated' ? 'nothing is kept' : `state in ${options.state}`
  return `
Holdfast ${VERSION}: ${options.engines} engines, ${where}, http://${host}:${port}
Ready.

  export AWS_ENDPOINT_URL=http://${host}:${port} AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

  aws rds create-db-instance --db-instance-identifier demo --engine postgres \\
    --db-instance-class db.t4g.micro --allocated-storage 20 \\
    --master-username app --master-user-password choose-your-own
  PGPASSWORD=choose-your-own psql "host=localhost port=5432 user=app dbname=postgres sslmode=require"

`
}
