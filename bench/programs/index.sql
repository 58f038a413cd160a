-- 100,000 rows, an index, queries that use it and some that do not.
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO t SELECT i, i * 7919 % 100003, 'row ' || i FROM n;
CREATE INDEX ta ON t (a);
SELECT count(*), sum(a) FROM t WHERE a BETWEEN 1000 AND 20000;
SELECT count(*) FROM t WHERE b LIKE '%77%';
SELECT sum(x.id) FROM t x JOIN t y ON x.a = y.id WHERE y.a < 5000;
