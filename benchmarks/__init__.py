"""What Whiteslip costs, against a yardstick measured in the same run on the same server.

``python -m benchmarks.run`` starts a throw-away PostgreSQL with its default durability, measures
yardstick and subject in turn, round by round, and prints each ratio with its spread. A figure
without its yardstick says more about the machine than about the program.

=========  =====================================  ==========================================
Subject    What is counted                        Yardstick
=========  =====================================  ==========================================
post       transfers per second, in batches       pgbench TPC-B transactions per second
authorise  purchases per second, in batches       pgbench TPC-B transactions per second
import     customers taken over per second        COPY of the transfers this made
seal       seconds for one night of all lines     one read of all lines with their balances
letters    letters per second, one by one         smtplib alone, on one connection
demo       seconds to the first page, and to      initdb and start of PostgreSQL;
           the links of a fresh demonstration     look-ups of pgbench on one connection
lake       seconds for a snapshot, and for the    plain PostgreSQL SQL, and Polars
           measures of 1 M and 10 M receivables   (``lake-small``: 1 M alone)
=========  =====================================  ==========================================
"""
