// DuckDB as a peer: runs SQL statements in one database and prints, as JSON,
// the milliseconds they took together and the first cell of the last result.
//
//	node duck.mjs PEERS DATABASE STATEMENT …
//
// The time of starting node and of loading the library does not count.
import { createRequire } from "node:module";
import { join } from "node:path";

const [peers, database, ...statements] = process.argv.slice(2);
const require = createRequire(join(peers, "package.json"));
const { DuckDBInstance } = require("@duckdb/node-api");

const instance = await DuckDBInstance.create(database, { threads: "2" });
const connection = await instance.connect();
const began = performance.now();
let cell = null;
for (const statement of statements) {
	const reader = await connection.runAndReadAll(statement);
	const rows = reader.getRows();
	if (rows.length > 0)
		cell = String(rows[0][0]);
}
const milliseconds = performance.now() - began;
console.log(JSON.stringify({ milliseconds, cell }));
connection.closeSync();
