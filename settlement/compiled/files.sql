-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

-- step: reversed_before
-- kept: yes
-- reads: cleared reversed_numbers
-- columns: side:string pair:int16 settlement_no:string
SELECT
  "t2"."side",
  "t2"."pair",
  "t2"."settlement_no"
FROM "reversed_numbers" AS "t2"
ANTI JOIN "cleared" AS "t3"
  ON "t2"."pair" = "t3"."pair" AND "t2"."settlement_no" = "t3"."settlement_no"
;

-- step: crowded
-- kept: yes
-- reads: home_rows host_rows
-- columns: number_hash:uint64
SELECT
  *
FROM (
  SELECT
    "t4"."number_hash"
  FROM (
    SELECT
      "t2"."number_hash",
      COUNT(*) AS "row_count"
    FROM (
      SELECT
        XOR(HASH("t0"."settlement_no"), CAST("t0"."pair" AS UBIGINT)) AS "number_hash"
      FROM "home_rows" AS "t0"
    ) AS "t2"
    GROUP BY
      1
  ) AS "t4"
  WHERE
    "t4"."row_count" > 1
) AS "t6"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t5"."number_hash"
  FROM (
    SELECT
      "t3"."number_hash",
      COUNT(*) AS "row_count"
    FROM (
      SELECT
        XOR(HASH("t1"."settlement_no"), CAST("t1"."pair" AS UBIGINT)) AS "number_hash"
      FROM "host_rows" AS "t1"
    ) AS "t3"
    GROUP BY
      1
  ) AS "t5"
  WHERE
    "t5"."row_count" > 1
) AS "t7"
;

-- step: odd_hashes
-- kept: yes
-- reads: cleared crowded reversed_before
-- columns: number_hash:uint64
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      XOR(HASH("t0"."settlement_no"), CAST("t0"."pair" AS UBIGINT)) AS "number_hash"
    FROM "cleared" AS "t0"
  ) AS "t3"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM "crowded" AS "t1"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        XOR(HASH("t2"."settlement_no"), CAST("t2"."pair" AS UBIGINT)) AS "number_hash"
      FROM "reversed_before" AS "t2"
    ) AS "t4"
  ) AS "t5"
) AS "t6"
;

-- step: odd_rows
-- kept: yes
-- reads: home_rows host_rows odd_hashes
-- columns: pair:int16 settlement_no:string beneficiary_ref:string institution:string subsidy_kind:string service_month:string service_days:int64 amount_fen:int64 caregiver_cert_no:string filed_date:date position:int64 side:string claim:string copy_index:int64
SELECT
  "t9"."pair",
  "t9"."settlement_no",
  "t9"."beneficiary_ref",
  "t9"."institution",
  "t9"."subsidy_kind",
  "t9"."service_month",
  "t9"."service_days",
  "t9"."amount_fen",
  "t9"."caregiver_cert_no",
  "t9"."filed_date",
  "t9"."position",
  "t9"."side",
  "t9"."claim",
  ROW_NUMBER() OVER (
    PARTITION BY "t9"."side", "t9"."pair", "t9"."settlement_no"
    ORDER BY "t9"."position" ASC
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) - 1 AS "copy_index"
FROM (
  SELECT
    "t8"."pair",
    "t8"."settlement_no",
    "t8"."beneficiary_ref",
    "t8"."institution",
    "t8"."subsidy_kind",
    "t8"."service_month",
    "t8"."service_days",
    "t8"."amount_fen",
    "t8"."caregiver_cert_no",
    "t8"."filed_date",
    "t8"."position",
    "t8"."side",
    CONCAT_WS(
      CHR(31),
      "t8"."beneficiary_ref",
      "t8"."institution",
      "t8"."subsidy_kind",
      "t8"."service_month",
      CAST("t8"."service_days" AS TEXT),
      CAST("t8"."amount_fen" AS TEXT)
    ) AS "claim"
  FROM (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      "t7"."beneficiary_ref",
      "t7"."institution",
      "t7"."subsidy_kind",
      "t7"."service_month",
      "t7"."service_days",
      "t7"."amount_fen",
      "t7"."caregiver_cert_no",
      "t7"."filed_date",
      "t7"."position",
      "t7"."side"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."beneficiary_ref",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_month",
          "t1"."service_days",
          "t1"."amount_fen",
          "t1"."caregiver_cert_no",
          "t1"."filed_date",
          "t1"."position",
          'home' AS "side"
        FROM "home_rows" AS "t1"
      ) AS "t4"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t2"."pair",
          "t2"."settlement_no",
          "t2"."beneficiary_ref",
          "t2"."institution",
          "t2"."subsidy_kind",
          "t2"."service_month",
          "t2"."service_days",
          "t2"."amount_fen",
          "t2"."caregiver_cert_no",
          "t2"."filed_date",
          "t2"."position",
          'host' AS "side"
        FROM "host_rows" AS "t2"
      ) AS "t5"
    ) AS "t7"
    SEMI JOIN "odd_hashes" AS "t3"
      ON (
        XOR(HASH("t7"."settlement_no"), CAST("t7"."pair" AS UBIGINT))
      ) = "t3"."number_hash"
  ) AS "t8"
) AS "t9"
;

-- step: odd_numbers
-- kept: yes
-- reads: cleared odd_rows reversed_before
-- columns: pair:int16 settlement_no:string home_rows:int64 home_fen:int64 home_least:string home_most:string host_rows:int64 host_fen:int64 host_least:string host_most:string filed_date:date by_home:boolean by_host:boolean cleared_text:string cleared_fen:int64 fate:int8
WITH "t7" AS (
  SELECT
    "t4"."pair",
    "t4"."settlement_no",
    SUM(CAST("t4"."side" = 'home' AS INT)) AS "home_rows",
    SUM("t4"."amount_fen") FILTER(WHERE
      "t4"."side" = 'home') AS "home_fen",
    MIN("t4"."text") FILTER(WHERE
      "t4"."side" = 'home') AS "home_least",
    MAX("t4"."text") FILTER(WHERE
      "t4"."side" = 'home') AS "home_most",
    SUM(CAST("t4"."side" = 'host' AS INT)) AS "host_rows",
    SUM("t4"."amount_fen") FILTER(WHERE
      "t4"."side" = 'host') AS "host_fen",
    MIN("t4"."text") FILTER(WHERE
      "t4"."side" = 'host') AS "host_least",
    MAX("t4"."text") FILTER(WHERE
      "t4"."side" = 'host') AS "host_most",
    MIN("t4"."filed_date") AS "filed_date"
  FROM (
    SELECT
      "t1"."pair",
      "t1"."settlement_no",
      "t1"."beneficiary_ref",
      "t1"."institution",
      "t1"."subsidy_kind",
      "t1"."service_month",
      "t1"."service_days",
      "t1"."amount_fen",
      "t1"."caregiver_cert_no",
      "t1"."filed_date",
      "t1"."position",
      "t1"."side",
      "t1"."claim",
      "t1"."copy_index",
      CONCAT_WS(CHR(31), "t1"."claim", "t1"."caregiver_cert_no") AS "text"
    FROM "odd_rows" AS "t1"
  ) AS "t4"
  GROUP BY
    1,
    2
)
SELECT
  "t15"."pair",
  "t15"."settlement_no",
  "t15"."home_rows",
  "t15"."home_fen",
  "t15"."home_least",
  "t15"."home_most",
  "t15"."host_rows",
  "t15"."host_fen",
  "t15"."host_least",
  "t15"."host_most",
  "t15"."filed_date",
  "t15"."by_home",
  "t15"."by_host",
  "t15"."cleared_text",
  "t15"."cleared_fen",
  CASE
    WHEN (
      "t15"."by_home" IS NOT NULL
    )
    AND (
      (
        (
          "t15"."home_rows" = 0
        ) OR "t15"."by_home"
      )
      AND (
        (
          "t15"."host_rows" = 0
        ) OR "t15"."by_host"
      )
    )
    THEN 1
    WHEN "t15"."by_home" IS NOT NULL
    THEN 2
    WHEN COALESCE("t15"."home_least" <> "t15"."home_most", FALSE)
    OR COALESCE("t15"."host_least" <> "t15"."host_most", FALSE)
    OR COALESCE("t15"."home_least" <> "t15"."cleared_text", FALSE)
    OR COALESCE("t15"."host_least" <> "t15"."cleared_text", FALSE)
    THEN 3
    WHEN "t15"."cleared_text" IS NOT NULL
    THEN -1
    ELSE 0
  END AS "fate"
FROM (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."home_rows",
    "t9"."home_fen",
    "t9"."home_least",
    "t9"."home_most",
    "t9"."host_rows",
    "t9"."host_fen",
    "t9"."host_least",
    "t9"."host_most",
    "t9"."filed_date",
    "t6"."by_home",
    "t6"."by_host",
    "t14"."cleared_text",
    "t14"."cleared_fen"
  FROM "t7" AS "t9"
  LEFT OUTER JOIN (
    SELECT
      "t0"."pair",
      "t0"."settlement_no",
      BOOL_OR(CAST("t0"."side" = 'home' AS BOOLEAN)) AS "by_home",
      BOOL_OR(CAST("t0"."side" = 'host' AS BOOLEAN)) AS "by_host"
    FROM "reversed_before" AS "t0"
    GROUP BY
      1,
      2
  ) AS "t6"
    ON "t9"."pair" = "t6"."pair" AND "t9"."settlement_no" = "t6"."settlement_no"
  LEFT OUTER JOIN (
    SELECT
      "t12"."pair",
      "t12"."settlement_no",
      CONCAT_WS(CHR(31), "t12"."claim", "t12"."caregiver_cert_no") AS "cleared_text",
      "t12"."amount_fen" AS "cleared_fen"
    FROM (
      SELECT
        "t11"."pair",
        "t11"."settlement_no",
        "t11"."beneficiary_ref",
        "t11"."institution",
        "t11"."subsidy_kind",
        "t11"."service_month",
        "t11"."service_days",
        "t11"."amount_fen",
        "t11"."caregiver_cert_no",
        "t11"."cancelled",
        CONCAT_WS(
          CHR(31),
          "t11"."beneficiary_ref",
          "t11"."institution",
          "t11"."subsidy_kind",
          "t11"."service_month",
          CAST("t11"."service_days" AS TEXT),
          CAST("t11"."amount_fen" AS TEXT)
        ) AS "claim"
      FROM (
        SELECT
          "t3"."pair",
          "t3"."settlement_no",
          "t3"."beneficiary_ref",
          "t3"."institution",
          "t3"."subsidy_kind",
          "t3"."service_month",
          "t3"."service_days",
          "t3"."amount_fen",
          "t3"."caregiver_cert_no",
          "t3"."cancelled"
        FROM "cleared" AS "t3"
        SEMI JOIN "t7" AS "t10"
          ON "t3"."pair" = "t10"."pair" AND "t3"."settlement_no" = "t10"."settlement_no"
      ) AS "t11"
    ) AS "t12"
  ) AS "t14"
    ON "t9"."pair" = "t14"."pair" AND "t9"."settlement_no" = "t14"."settlement_no"
) AS "t15"
;

-- step: settlements
-- kept: yes
-- reads: home_rows host_rows odd_hashes odd_numbers odd_rows
-- columns: pair:int16 settlement_no:string home_claim:string home_caregiver:string home_fen:int64 home_position:int64 host_claim:string host_caregiver:string host_fen:int64 host_position:int64 filed_date:date home_hash:uint64
SELECT
  COALESCE("t24"."pair", "t25"."pair") AS "pair",
  COALESCE("t24"."settlement_no", "t25"."settlement_no") AS "settlement_no",
  "t24"."claim" AS "home_claim",
  "t24"."caregiver_cert_no" AS "home_caregiver",
  "t24"."amount_fen" AS "home_fen",
  "t24"."position" AS "home_position",
  NULLIF("t25"."claim", "t24"."claim") AS "host_claim",
  "t25"."caregiver_cert_no" AS "host_caregiver",
  "t25"."amount_fen" AS "host_fen",
  "t25"."position" AS "host_position",
  COALESCE(
    LEAST("t24"."filed_date", "t25"."filed_date"),
    "t24"."filed_date",
    "t25"."filed_date"
  ) AS "filed_date",
  XOR(HASH("t24"."claim"), CAST(COALESCE("t24"."pair", "t25"."pair") AS UBIGINT)) AS "home_hash"
FROM (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t14"."pair",
        "t14"."settlement_no",
        "t14"."beneficiary_ref",
        "t14"."institution",
        "t14"."subsidy_kind",
        "t14"."service_month",
        "t14"."service_days",
        "t14"."amount_fen",
        "t14"."caregiver_cert_no",
        "t14"."filed_date",
        "t14"."position",
        CONCAT_WS(
          CHR(31),
          "t14"."beneficiary_ref",
          "t14"."institution",
          "t14"."subsidy_kind",
          "t14"."service_month",
          CAST("t14"."service_days" AS TEXT),
          CAST("t14"."amount_fen" AS TEXT)
        ) AS "claim"
      FROM (
        SELECT
          "t5"."pair",
          "t5"."settlement_no",
          "t5"."beneficiary_ref",
          "t5"."institution",
          "t5"."subsidy_kind",
          "t5"."service_month",
          "t5"."service_days",
          "t5"."amount_fen",
          "t5"."caregiver_cert_no",
          "t5"."filed_date",
          "t5"."position"
        FROM "home_rows" AS "t5"
        ANTI JOIN "odd_hashes" AS "t6"
          ON (
            XOR(HASH("t5"."settlement_no"), CAST("t5"."pair" AS UBIGINT))
          ) = "t6"."number_hash"
      ) AS "t14"
    ) AS "t18"
  ) AS "t20"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t11"."pair",
      "t11"."settlement_no",
      "t11"."beneficiary_ref",
      "t11"."institution",
      "t11"."subsidy_kind",
      "t11"."service_month",
      "t11"."service_days",
      "t11"."amount_fen",
      "t11"."caregiver_cert_no",
      "t11"."filed_date",
      "t11"."position",
      "t11"."claim"
    FROM (
      SELECT
        *
      FROM "odd_rows" AS "t0"
      WHERE
        "t0"."side" = 'home' AND "t0"."copy_index" = 0
    ) AS "t11"
    SEMI JOIN (
      SELECT
        *
      FROM "odd_numbers" AS "t2"
      WHERE
        "t2"."fate" = 0
    ) AS "t13"
      ON "t11"."pair" = "t13"."pair" AND "t11"."settlement_no" = "t13"."settlement_no"
  ) AS "t16"
) AS "t24"
FULL OUTER JOIN (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t15"."pair",
        "t15"."settlement_no",
        "t15"."beneficiary_ref",
        "t15"."institution",
        "t15"."subsidy_kind",
        "t15"."service_month",
        "t15"."service_days",
        "t15"."amount_fen",
        "t15"."caregiver_cert_no",
        "t15"."filed_date",
        "t15"."position",
        CONCAT_WS(
          CHR(31),
          "t15"."beneficiary_ref",
          "t15"."institution",
          "t15"."subsidy_kind",
          "t15"."service_month",
          CAST("t15"."service_days" AS TEXT),
          CAST("t15"."amount_fen" AS TEXT)
        ) AS "claim"
      FROM (
        SELECT
          "t7"."pair",
          "t7"."settlement_no",
          "t7"."beneficiary_ref",
          "t7"."institution",
          "t7"."subsidy_kind",
          "t7"."service_month",
          "t7"."service_days",
          "t7"."amount_fen",
          "t7"."caregiver_cert_no",
          "t7"."filed_date",
          "t7"."position"
        FROM "host_rows" AS "t7"
        ANTI JOIN "odd_hashes" AS "t6"
          ON (
            XOR(HASH("t7"."settlement_no"), CAST("t7"."pair" AS UBIGINT))
          ) = "t6"."number_hash"
      ) AS "t15"
    ) AS "t19"
  ) AS "t21"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t12"."pair",
      "t12"."settlement_no",
      "t12"."beneficiary_ref",
      "t12"."institution",
      "t12"."subsidy_kind",
      "t12"."service_month",
      "t12"."service_days",
      "t12"."amount_fen",
      "t12"."caregiver_cert_no",
      "t12"."filed_date",
      "t12"."position",
      "t12"."claim"
    FROM (
      SELECT
        *
      FROM "odd_rows" AS "t0"
      WHERE
        "t0"."side" = 'host' AND "t0"."copy_index" = 0
    ) AS "t12"
    SEMI JOIN (
      SELECT
        *
      FROM "odd_numbers" AS "t2"
      WHERE
        "t2"."fate" = 0
    ) AS "t13"
      ON "t12"."pair" = "t13"."pair" AND "t12"."settlement_no" = "t13"."settlement_no"
  ) AS "t17"
) AS "t25"
  ON "t24"."pair" = "t25"."pair" AND "t24"."settlement_no" = "t25"."settlement_no"
;

-- step: close_claims
-- kept: yes
-- reads: cleared odd_rows reversed_before settlements
-- columns: pair:int16 settlement_no:string claim:string claim_hash:uint64
WITH "t18" AS (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t0"."pair",
        "t0"."settlement_no",
        "t0"."home_claim" AS "claim",
        "t0"."home_hash" AS "claim_hash"
      FROM "settlements" AS "t0"
      WHERE
        "t0"."home_claim" IS NOT NULL
    ) AS "t6"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t10"."pair",
        "t10"."settlement_no",
        "t10"."claim",
        "t10"."claim_hash"
      FROM (
        SELECT
          "t7"."pair",
          "t7"."settlement_no",
          "t7"."home_claim",
          "t7"."home_caregiver",
          "t7"."home_fen",
          "t7"."home_position",
          "t7"."host_claim",
          "t7"."host_caregiver",
          "t7"."host_fen",
          "t7"."host_position",
          "t7"."filed_date",
          "t7"."home_hash",
          "t7"."host_claim" AS "claim",
          XOR(HASH("t7"."host_claim"), CAST("t7"."pair" AS UBIGINT)) AS "claim_hash"
        FROM (
          SELECT
            *
          FROM "settlements" AS "t0"
          WHERE
            "t0"."host_claim" IS NOT NULL
        ) AS "t7"
      ) AS "t10"
    ) AS "t11"
  ) AS "t14"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t13"."pair",
        "t13"."settlement_no",
        "t13"."claim",
        "t13"."claim_hash"
      FROM (
        SELECT
          "t9"."pair",
          "t9"."settlement_no",
          "t9"."beneficiary_ref",
          "t9"."institution",
          "t9"."subsidy_kind",
          "t9"."service_month",
          "t9"."service_days",
          "t9"."amount_fen",
          "t9"."caregiver_cert_no",
          "t9"."filed_date",
          "t9"."position",
          "t9"."side",
          "t9"."claim",
          "t9"."copy_index",
          XOR(HASH("t9"."claim"), CAST("t9"."pair" AS UBIGINT)) AS "claim_hash"
        FROM (
          SELECT
            "t4"."pair",
            "t4"."settlement_no",
            "t4"."beneficiary_ref",
            "t4"."institution",
            "t4"."subsidy_kind",
            "t4"."service_month",
            "t4"."service_days",
            "t4"."amount_fen",
            "t4"."caregiver_cert_no",
            "t4"."filed_date",
            "t4"."position",
            "t4"."side",
            "t4"."claim",
            "t4"."copy_index"
          FROM "odd_rows" AS "t4"
          ANTI JOIN "reversed_before" AS "t5"
            ON "t4"."side" = "t5"."side"
            AND "t4"."pair" = "t5"."pair"
            AND "t4"."settlement_no" = "t5"."settlement_no"
        ) AS "t9"
      ) AS "t13"
    ) AS "t16"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t12"."pair",
        "t12"."settlement_no",
        "t12"."claim",
        "t12"."claim_hash"
      FROM (
        SELECT
          "t8"."pair",
          "t8"."settlement_no",
          "t8"."beneficiary_ref",
          "t8"."institution",
          "t8"."subsidy_kind",
          "t8"."service_month",
          "t8"."service_days",
          "t8"."amount_fen",
          "t8"."caregiver_cert_no",
          "t8"."cancelled",
          CONCAT_WS(
            CHR(31),
            "t8"."beneficiary_ref",
            "t8"."institution",
            "t8"."subsidy_kind",
            "t8"."service_month",
            CAST("t8"."service_days" AS TEXT),
            CAST("t8"."amount_fen" AS TEXT)
          ) AS "claim",
          XOR(
            HASH(
              CONCAT_WS(
                CHR(31),
                "t8"."beneficiary_ref",
                "t8"."institution",
                "t8"."subsidy_kind",
                "t8"."service_month",
                CAST("t8"."service_days" AS TEXT),
                CAST("t8"."amount_fen" AS TEXT)
              )
            ),
            CAST("t8"."pair" AS UBIGINT)
          ) AS "claim_hash"
        FROM (
          SELECT
            *
          FROM "cleared" AS "t1"
          WHERE
            NOT (
              "t1"."cancelled"
            )
        ) AS "t8"
      ) AS "t12"
    ) AS "t15"
  ) AS "t17"
)
SELECT
  "t20"."pair",
  "t20"."settlement_no",
  "t20"."claim",
  "t20"."claim_hash"
FROM "t18" AS "t20"
SEMI JOIN (
  SELECT
    *
  FROM (
    SELECT
      "t19"."claim_hash",
      COUNT(*) AS "row_count"
    FROM "t18" AS "t19"
    GROUP BY
      1
  ) AS "t21"
  WHERE
    "t21"."row_count" > 1
) AS "t23"
  ON "t20"."claim_hash" = "t23"."claim_hash"
;

-- step: twins
-- kept: yes
-- reads: close_claims
-- columns: pair:int16 settlement_no:string
SELECT DISTINCT
  *
FROM (
  SELECT
    "t1"."pair",
    "t1"."settlement_no"
  FROM "close_claims" AS "t1"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t0"."pair",
        "t0"."claim",
        MIN("t0"."settlement_no") AS "least",
        MAX("t0"."settlement_no") AS "most"
      FROM "close_claims" AS "t0"
      GROUP BY
        1,
        2
    ) AS "t2"
    WHERE
      "t2"."least" <> "t2"."most"
  ) AS "t4"
    ON "t1"."pair" = "t4"."pair" AND "t1"."claim" = "t4"."claim"
) AS "t5"
;

-- step: flags
-- kept: yes
-- reads: holds twins
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t6"."pair",
  "t6"."settlement_no",
  MIN("t6"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t0"."pair",
      "t0"."settlement_no",
      12 AS "rank"
    FROM "holds" AS "t0"
    WHERE
      "t0"."hold_class" = 'OVER_BUDGET'
  ) AS "t3"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t1"."pair",
        "t1"."settlement_no",
        5 AS "rank"
      FROM "twins" AS "t1"
    ) AS "t2"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t0"."pair",
        "t0"."settlement_no",
        10 AS "rank"
      FROM "holds" AS "t0"
      WHERE
        "t0"."hold_class" = 'OVERLAP'
    ) AS "t4"
  ) AS "t5"
) AS "t6"
GROUP BY
  1,
  2
;

-- step: lines
-- kept: no
-- reads: asked cleared cleared_reversals flags odd_numbers odd_rows settlements
-- columns: pair:int16 settlement_no:string kind:int8 rank:int8 home_rows:int32 home_fen:int64 home_claim:string home_caregiver:string host_rows:int32 host_fen:int64 host_claim:string host_caregiver:string filed_date:date home_position:int64 host_position:int64
WITH "t19" AS (
  SELECT
    "t2"."pair",
    "t2"."settlement_no",
    "t2"."home_rows",
    "t2"."home_fen",
    "t2"."home_least",
    "t2"."home_most",
    "t2"."host_rows",
    "t2"."host_fen",
    "t2"."host_least",
    "t2"."host_most",
    "t2"."filed_date",
    "t2"."by_home",
    "t2"."by_host",
    "t2"."cleared_text",
    "t2"."cleared_fen",
    "t2"."fate",
    CASE
      WHEN (
        "t2"."fate" = 3
      ) AND (
        "t2"."cleared_text" IS NOT NULL
      )
      THEN 1
      ELSE 0
    END AS "extra",
    CASE
      WHEN (
        "t2"."fate" = 3
      ) AND (
        "t2"."cleared_text" IS NOT NULL
      )
      THEN 1
      ELSE 0
    END * COALESCE("t2"."cleared_fen", 0) AS "extra_fen"
  FROM "odd_numbers" AS "t2"
  WHERE
    "t2"."fate" > 0
), "t25" AS (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."beneficiary_ref",
    "t9"."institution",
    "t9"."subsidy_kind",
    "t9"."service_month",
    "t9"."service_days",
    "t9"."amount_fen",
    "t9"."caregiver_cert_no",
    "t9"."filed_date",
    "t9"."position",
    "t9"."side",
    "t9"."claim",
    "t9"."copy_index",
    "t14"."fate"
  FROM "odd_rows" AS "t9"
  INNER JOIN (
    SELECT
      "t2"."pair",
      "t2"."settlement_no",
      "t2"."fate"
    FROM "odd_numbers" AS "t2"
    WHERE
      "t2"."fate" <= 0
  ) AS "t14"
    ON "t9"."pair" = "t14"."pair" AND "t9"."settlement_no" = "t14"."settlement_no"
), "t34" AS (
  SELECT
    "t29"."pair",
    "t29"."settlement_no",
    "t29"."beneficiary_ref",
    "t29"."institution",
    "t29"."subsidy_kind",
    "t29"."service_month",
    "t29"."service_days",
    "t29"."amount_fen",
    "t29"."caregiver_cert_no",
    "t29"."cancelled",
    CONCAT_WS(
      CHR(31),
      "t29"."beneficiary_ref",
      "t29"."institution",
      "t29"."subsidy_kind",
      "t29"."service_month",
      CAST("t29"."service_days" AS TEXT),
      CAST("t29"."amount_fen" AS TEXT)
    ) AS "claim"
  FROM (
    SELECT
      "t10"."pair",
      "t10"."settlement_no",
      "t10"."beneficiary_ref",
      "t10"."institution",
      "t10"."subsidy_kind",
      "t10"."service_month",
      "t10"."service_days",
      "t10"."amount_fen",
      "t10"."caregiver_cert_no",
      "t10"."cancelled"
    FROM "cleared" AS "t10"
    SEMI JOIN (
      SELECT
        "t2"."pair",
        "t2"."settlement_no",
        "t2"."home_rows",
        "t2"."home_fen",
        "t2"."home_least",
        "t2"."home_most",
        "t2"."host_rows",
        "t2"."host_fen",
        "t2"."host_least",
        "t2"."host_most",
        "t2"."filed_date",
        "t2"."by_home",
        "t2"."by_host",
        "t2"."cleared_text",
        "t2"."cleared_fen",
        "t2"."fate",
        CASE
          WHEN (
            "t2"."fate" = 3
          ) AND (
            "t2"."cleared_text" IS NOT NULL
          )
          THEN 1
          ELSE 0
        END AS "extra",
        CASE
          WHEN (
            "t2"."fate" = 3
          ) AND (
            "t2"."cleared_text" IS NOT NULL
          )
          THEN 1
          ELSE 0
        END * COALESCE("t2"."cleared_fen", 0) AS "extra_fen"
      FROM "odd_numbers" AS "t2"
      WHERE
        "t2"."fate" > 0
        AND CASE
          WHEN (
            "t2"."fate" = 3
          ) AND (
            "t2"."cleared_text" IS NOT NULL
          )
          THEN 1
          ELSE 0
        END = 1
    ) AS "t22"
      ON "t10"."pair" = "t22"."pair" AND "t10"."settlement_no" = "t22"."settlement_no"
  ) AS "t29"
)
SELECT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t17"."pair",
      "t17"."settlement_no",
      0 AS "kind",
      CASE
        WHEN "t17"."rank" IS NOT NULL
        THEN "t17"."rank"
        WHEN (
          (
            "t17"."home_fen" IS NULL
          ) OR (
            "t17"."host_fen" IS NULL
          )
        )
        AND COALESCE("t17"."filed_date" > (
          SELECT
            *
          FROM "asked" AS "t6"
        ), FALSE)
        THEN 13
        WHEN "t17"."host_fen" IS NULL
        THEN 14
        WHEN "t17"."home_fen" IS NULL
        THEN 15
        WHEN "t17"."home_fen" <> "t17"."host_fen"
        THEN 16
        WHEN "t17"."host_claim" IS NOT NULL
        THEN 17
        WHEN "t17"."home_caregiver" <> "t17"."host_caregiver"
        THEN 17
        ELSE 18
      END AS "rank",
      CAST("t17"."home_fen" IS NOT NULL AS INT) AS "home_rows",
      COALESCE("t17"."home_fen", 0) AS "home_fen",
      "t17"."home_claim",
      "t17"."home_caregiver",
      CAST("t17"."host_fen" IS NOT NULL AS INT) AS "host_rows",
      COALESCE("t17"."host_fen", 0) AS "host_fen",
      "t17"."host_claim",
      "t17"."host_caregiver",
      "t17"."filed_date",
      "t17"."home_position",
      "t17"."host_position"
    FROM (
      SELECT
        "t7"."pair",
        "t7"."settlement_no",
        "t7"."home_claim",
        "t7"."home_caregiver",
        "t7"."home_fen",
        "t7"."home_position",
        "t7"."host_claim",
        "t7"."host_caregiver",
        "t7"."host_fen",
        "t7"."host_position",
        "t7"."filed_date",
        "t7"."home_hash",
        "t8"."rank"
      FROM "settlements" AS "t7"
      LEFT OUTER JOIN "flags" AS "t8"
        ON "t7"."pair" = "t8"."pair" AND "t7"."settlement_no" = "t8"."settlement_no"
    ) AS "t17"
  ) AS "t28"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t46"."pair",
      "t46"."settlement_no",
      0 AS "kind",
      "t46"."fate" AS "rank",
      CAST("t46"."home_rows" + "t46"."extra" AS INT) AS "home_rows",
      COALESCE(COALESCE("t46"."home_fen", 0) + "t46"."extra_fen", 0) AS "home_fen",
      "t46"."home_claim",
      "t46"."home_caregiver",
      CAST("t46"."host_rows" + "t46"."extra" AS INT) AS "host_rows",
      COALESCE(COALESCE("t46"."host_fen", 0) + "t46"."extra_fen", 0) AS "host_fen",
      "t46"."host_claim",
      "t46"."host_caregiver",
      "t46"."filed_date",
      CAST(NULL AS BIGINT) AS "home_position",
      CAST(NULL AS BIGINT) AS "host_position"
    FROM (
      SELECT
        "t23"."pair",
        "t23"."settlement_no",
        "t23"."home_rows",
        "t23"."home_fen",
        "t23"."home_least",
        "t23"."home_most",
        "t23"."host_rows",
        "t23"."host_fen",
        "t23"."host_least",
        "t23"."host_most",
        "t23"."filed_date",
        "t23"."by_home",
        "t23"."by_host",
        "t23"."cleared_text",
        "t23"."cleared_fen",
        "t23"."fate",
        "t23"."extra",
        "t23"."extra_fen",
        "t45"."home_claim",
        "t45"."home_caregiver",
        "t45"."host_claim",
        "t45"."host_caregiver"
      FROM "t19" AS "t23"
      INNER JOIN (
        SELECT
          "t43"."pair",
          "t43"."settlement_no",
          FIRST("t43"."claim" ORDER BY "t43"."text") FILTER(WHERE
            "t43"."side" = 'home') AS "home_claim",
          FIRST("t43"."caregiver_cert_no" ORDER BY "t43"."text") FILTER(WHERE
            "t43"."side" = 'home') AS "home_caregiver",
          FIRST("t43"."claim" ORDER BY "t43"."text") FILTER(WHERE
            "t43"."side" = 'host') AS "host_claim",
          FIRST("t43"."caregiver_cert_no" ORDER BY "t43"."text") FILTER(WHERE
            "t43"."side" = 'host') AS "host_caregiver"
        FROM (
          SELECT
            "t41"."side",
            "t41"."pair",
            "t41"."settlement_no",
            "t41"."claim",
            "t41"."caregiver_cert_no",
            CONCAT_WS(CHR(31), "t41"."claim", "t41"."caregiver_cert_no") AS "text"
          FROM (
            SELECT
              *
            FROM (
              SELECT
                'host' AS "side",
                "t36"."pair",
                "t36"."settlement_no",
                "t36"."claim",
                "t36"."caregiver_cert_no"
              FROM "t34" AS "t36"
            ) AS "t37"
            UNION ALL
            SELECT
              *
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  "t9"."side",
                  "t9"."pair",
                  "t9"."settlement_no",
                  "t9"."claim",
                  "t9"."caregiver_cert_no"
                FROM "odd_rows" AS "t9"
                SEMI JOIN "t19" AS "t24"
                  ON "t9"."pair" = "t24"."pair" AND "t9"."settlement_no" = "t24"."settlement_no"
              ) AS "t30"
              UNION ALL
              SELECT
                *
              FROM (
                SELECT
                  'home' AS "side",
                  "t36"."pair",
                  "t36"."settlement_no",
                  "t36"."claim",
                  "t36"."caregiver_cert_no"
                FROM "t34" AS "t36"
              ) AS "t38"
            ) AS "t39"
          ) AS "t41"
        ) AS "t43"
        GROUP BY
          1,
          2
      ) AS "t45"
        ON "t23"."pair" = "t45"."pair" AND "t23"."settlement_no" = "t45"."settlement_no"
    ) AS "t46"
  ) AS "t47"
) AS "t48"
UNION ALL
SELECT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t26"."pair",
        "t26"."settlement_no",
        1 AS "kind",
        4 AS "rank",
        CAST(1 AS INT) AS "home_rows",
        COALESCE("t26"."amount_fen", 0) AS "home_fen",
        "t26"."claim" AS "home_claim",
        "t26"."caregiver_cert_no" AS "home_caregiver",
        CAST(0 AS INT) AS "host_rows",
        COALESCE(CAST(NULL AS BIGINT), 0) AS "host_fen",
        CAST(NULL AS TEXT) AS "host_claim",
        CAST(NULL AS TEXT) AS "host_caregiver",
        "t26"."filed_date",
        "t26"."position" AS "home_position",
        CAST(NULL AS BIGINT) AS "host_position"
      FROM "t25" AS "t26"
      WHERE
        (
          (
            "t26"."copy_index" > 0
          ) OR (
            "t26"."fate" = -1
          )
        )
        AND "t26"."side" = 'home'
    ) AS "t31"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t26"."pair",
        "t26"."settlement_no",
        1 AS "kind",
        4 AS "rank",
        CAST(0 AS INT) AS "home_rows",
        COALESCE(CAST(NULL AS BIGINT), 0) AS "home_fen",
        CAST(NULL AS TEXT) AS "home_claim",
        CAST(NULL AS TEXT) AS "home_caregiver",
        CAST(1 AS INT) AS "host_rows",
        COALESCE("t26"."amount_fen", 0) AS "host_fen",
        "t26"."claim" AS "host_claim",
        "t26"."caregiver_cert_no" AS "host_caregiver",
        "t26"."filed_date",
        CAST(NULL AS BIGINT) AS "home_position",
        "t26"."position" AS "host_position"
      FROM "t25" AS "t26"
      WHERE
        (
          (
            "t26"."copy_index" > 0
          ) OR (
            "t26"."fate" = -1
          )
        )
        AND "t26"."side" = 'host'
    ) AS "t32"
  ) AS "t33"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t35"."pair",
      "t35"."settlement_no",
      2 AS "kind",
      CASE WHEN "t35"."by_home" AND "t35"."by_host" THEN 18 ELSE 2 END AS "rank",
      CAST("t35"."by_home" AS INT) AS "home_rows",
      COALESCE("t35"."home_fen", 0) AS "home_fen",
      "t35"."home_claim",
      "t35"."home_caregiver",
      CAST("t35"."by_host" AS INT) AS "host_rows",
      COALESCE("t35"."host_fen", 0) AS "host_fen",
      "t35"."host_claim",
      "t35"."host_caregiver",
      "t35"."filed_date",
      "t35"."home_position",
      "t35"."host_position"
    FROM (
      SELECT
        "t27"."pair",
        "t27"."settlement_no",
        "t27"."beneficiary_ref",
        "t27"."institution",
        "t27"."subsidy_kind",
        "t27"."service_month",
        "t27"."service_days",
        "t27"."amount_fen",
        "t27"."caregiver_cert_no",
        "t27"."cancelled",
        "t27"."by_home",
        "t27"."by_host",
        "t27"."filed_date",
        CASE
          WHEN "t27"."by_home"
          THEN CONCAT_WS(
            CHR(31),
            "t27"."beneficiary_ref",
            "t27"."institution",
            "t27"."subsidy_kind",
            "t27"."service_month",
            CAST("t27"."service_days" AS TEXT),
            CAST(-(
              "t27"."amount_fen"
            ) AS TEXT)
          )
          ELSE CAST(NULL AS TEXT)
        END AS "home_claim",
        CASE WHEN "t27"."by_home" THEN "t27"."caregiver_cert_no" ELSE CAST(NULL AS TEXT) END AS "home_caregiver",
        CASE
          WHEN "t27"."by_home"
          THEN -(
            "t27"."amount_fen"
          )
          ELSE CAST(NULL AS BIGINT)
        END AS "home_fen",
        CASE
          WHEN "t27"."by_host"
          THEN CONCAT_WS(
            CHR(31),
            "t27"."beneficiary_ref",
            "t27"."institution",
            "t27"."subsidy_kind",
            "t27"."service_month",
            CAST("t27"."service_days" AS TEXT),
            CAST(-(
              "t27"."amount_fen"
            ) AS TEXT)
          )
          ELSE CAST(NULL AS TEXT)
        END AS "host_claim",
        CASE WHEN "t27"."by_host" THEN "t27"."caregiver_cert_no" ELSE CAST(NULL AS TEXT) END AS "host_caregiver",
        CASE
          WHEN "t27"."by_host"
          THEN -(
            "t27"."amount_fen"
          )
          ELSE CAST(NULL AS BIGINT)
        END AS "host_fen",
        CAST(NULL AS BIGINT) AS "home_position",
        CAST(NULL AS BIGINT) AS "host_position"
      FROM (
        SELECT
          "t15"."pair",
          "t15"."settlement_no",
          "t15"."beneficiary_ref",
          "t15"."institution",
          "t15"."subsidy_kind",
          "t15"."service_month",
          "t15"."service_days",
          "t15"."amount_fen",
          "t15"."caregiver_cert_no",
          "t15"."cancelled",
          "t18"."by_home",
          "t18"."by_host",
          "t18"."filed_date"
        FROM (
          SELECT
            *
          FROM "cleared" AS "t4"
          WHERE
            NOT (
              "t4"."cancelled"
            )
        ) AS "t15"
        INNER JOIN (
          SELECT
            "t5"."pair",
            "t5"."settlement_no",
            BOOL_OR(CAST("t5"."side" = 'home' AS BOOLEAN)) AS "by_home",
            BOOL_OR(CAST("t5"."side" = 'host' AS BOOLEAN)) AS "by_host",
            MIN("t5"."filed_date") AS "filed_date"
          FROM "cleared_reversals" AS "t5"
          GROUP BY
            1,
            2
        ) AS "t18"
          ON "t15"."pair" = "t18"."pair" AND "t15"."settlement_no" = "t18"."settlement_no"
      ) AS "t27"
    ) AS "t35"
  ) AS "t40"
) AS "t42"
;

-- step: totals
-- kept: yes
-- reads: lines
-- columns: pair:int16 rank:int8 kind:int8 line_count:int64 home_fen:int64 host_fen:int64
SELECT
  "t0"."pair",
  "t0"."rank",
  "t0"."kind",
  COUNT(*) AS "line_count",
  SUM("t0"."home_fen") AS "home_fen",
  SUM("t0"."host_fen") AS "host_fen"
FROM "lines" AS "t0"
GROUP BY
  1,
  2,
  3
;

-- step: beyond_rows
-- kept: no
-- reads: lines odd_numbers
-- columns: home_fen:int64 host_fen:int64
SELECT
  COALESCE(SUM("t4"."home_fen"), 0) AS "home_fen",
  COALESCE(SUM("t4"."host_fen"), 0) AS "host_fen"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t0"."home_fen",
      "t0"."host_fen"
    FROM "lines" AS "t0"
    WHERE
      "t0"."kind" = 2
  ) AS "t2"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t1"."cleared_fen" AS "home_fen",
      "t1"."cleared_fen" AS "host_fen"
    FROM "odd_numbers" AS "t1"
    WHERE
      "t1"."fate" = 3 AND "t1"."cleared_text" IS NOT NULL
  ) AS "t3"
) AS "t4"
;

-- step: line_bytes
-- kept: no
-- reads: lines
-- columns: line:string
SELECT
  CONCAT_WS(
    CHR(31),
    SUBSTRING(
      CAST("t1"."pair" AS TEXT),
      CASE
        WHEN (
          0 + 1
        ) >= 1
        THEN 0 + 1
        ELSE 0 + 1 + LENGTH(CAST("t1"."pair" AS TEXT))
      END,
      2
    ) || '0000',
    RIGHT(CAST("t1"."pair" AS TEXT), 2) || '0000',
    "t1"."settlement_no",
    CASE
      WHEN "t1"."rank" = 18
      THEN 'MATCHED'
      WHEN "t1"."rank" = 17
      THEN 'FIELD'
      WHEN "t1"."rank" = 16
      THEN 'AMOUNT'
      WHEN "t1"."rank" = 15
      THEN 'HOST_ONLY'
      WHEN "t1"."rank" = 14
      THEN 'HOME_ONLY'
      WHEN "t1"."rank" = 13
      THEN 'IN_TRANSIT'
      WHEN "t1"."rank" = 12
      THEN 'OVER_BUDGET'
      WHEN "t1"."rank" = 11
      THEN 'OVER_CAP'
      WHEN "t1"."rank" = 10
      THEN 'OVERLAP'
      WHEN "t1"."rank" = 9
      THEN 'CAREGIVER_UNCERTIFIED'
      WHEN "t1"."rank" = 8
      THEN 'ELDER_INELIGIBLE'
      WHEN "t1"."rank" = 7
      THEN 'INSTITUTION_UNLISTED'
      WHEN "t1"."rank" = 6
      THEN 'OUT_OF_AGREEMENT'
      WHEN "t1"."rank" = 5
      THEN 'DUP_SEMANTIC'
      WHEN "t1"."rank" = 4
      THEN 'DUP_EXACT'
      WHEN "t1"."rank" = 3
      THEN 'DUP_CONFLICT'
      WHEN "t1"."rank" = 2
      THEN 'REVERSED_ONE_SIDE'
      WHEN "t1"."rank" = 1
      THEN 'REVERSED'
      ELSE ''
    END,
    CAST("t1"."home_rows" AS TEXT),
    CAST("t1"."home_fen" AS TEXT),
    CASE WHEN "t1"."home_rows" > 0 THEN "t1"."settlement_no" ELSE '' END,
    CASE
      WHEN "t1"."home_rows" > 0
      THEN SUBSTRING(
        CAST("t1"."pair" AS TEXT),
        CASE
          WHEN (
            0 + 1
          ) >= 1
          THEN 0 + 1
          ELSE 0 + 1 + LENGTH(CAST("t1"."pair" AS TEXT))
        END,
        2
      ) || '0000'
      ELSE ''
    END,
    CASE
      WHEN "t1"."home_rows" > 0
      THEN RIGHT(CAST("t1"."pair" AS TEXT), 2) || '0000'
      ELSE ''
    END,
    CASE WHEN "t1"."home_rows" > 0 THEN "t1"."home_claim" ELSE REPEAT(CHR(31), 5) END,
    CASE WHEN "t1"."home_rows" > 0 THEN "t1"."home_caregiver" ELSE '' END,
    CAST("t1"."host_rows" AS TEXT),
    CAST("t1"."host_fen" AS TEXT),
    CASE WHEN "t1"."host_rows" > 0 THEN "t1"."settlement_no" ELSE '' END,
    CASE
      WHEN "t1"."host_rows" > 0
      THEN SUBSTRING(
        CAST("t1"."pair" AS TEXT),
        CASE
          WHEN (
            0 + 1
          ) >= 1
          THEN 0 + 1
          ELSE 0 + 1 + LENGTH(CAST("t1"."pair" AS TEXT))
        END,
        2
      ) || '0000'
      ELSE ''
    END,
    CASE
      WHEN "t1"."host_rows" > 0
      THEN RIGHT(CAST("t1"."pair" AS TEXT), 2) || '0000'
      ELSE ''
    END,
    CASE
      WHEN "t1"."host_rows" > 0
      THEN COALESCE("t1"."host_claim", "t1"."home_claim")
      ELSE REPEAT(CHR(31), 5)
    END,
    CASE WHEN "t1"."host_rows" > 0 THEN "t1"."host_caregiver" ELSE '' END || CHR(10)
  ) AS "line"
FROM (
  SELECT
    *
  FROM "lines" AS "t0"
  ORDER BY
    "t0"."pair" ASC,
    "t0"."settlement_no" ASC,
    CASE
      WHEN "t0"."rank" = 18
      THEN 22
      WHEN "t0"."rank" = 17
      THEN 12
      WHEN "t0"."rank" = 16
      THEN 0
      WHEN "t0"."rank" = 15
      THEN 16
      WHEN "t0"."rank" = 14
      THEN 14
      WHEN "t0"."rank" = 13
      THEN 20
      WHEN "t0"."rank" = 12
      THEN 28
      WHEN "t0"."rank" = 11
      THEN 30
      WHEN "t0"."rank" = 10
      THEN 26
      WHEN "t0"."rank" = 9
      THEN 2
      WHEN "t0"."rank" = 8
      THEN 10
      WHEN "t0"."rank" = 7
      THEN 18
      WHEN "t0"."rank" = 6
      THEN 24
      WHEN "t0"."rank" = 5
      THEN 8
      WHEN "t0"."rank" = 4
      THEN 6
      WHEN "t0"."rank" = 3
      THEN 4
      WHEN "t0"."rank" = 2
      THEN 34
      WHEN "t0"."rank" = 1
      THEN 32
      ELSE 0
    END + CAST("t0"."home_rows" > 0 AS UTINYINT) ASC
) AS "t1"
;

-- step: line_table
-- kept: no
-- reads: lines
-- columns: home:string host:string settlement_no:string line_kind:string class:string home_rows:int32 home_fen:int64 host_rows:int32 host_fen:int64 home_beneficiary_ref:string home_institution:string home_subsidy_kind:string home_service_month:string home_service_days:int64 home_amount_fen:int64 home_caregiver_cert_no:string host_beneficiary_ref:string host_institution:string host_subsidy_kind:string host_service_month:string host_service_days:int64 host_amount_fen:int64 host_caregiver_cert_no:string filed_date:date
SELECT
  *
FROM (
  SELECT
    SUBSTRING(
      CAST("t0"."pair" AS TEXT),
      CASE
        WHEN (
          0 + 1
        ) >= 1
        THEN 0 + 1
        ELSE 0 + 1 + LENGTH(CAST("t0"."pair" AS TEXT))
      END,
      2
    ) || '0000' AS "home",
    RIGHT(CAST("t0"."pair" AS TEXT), 2) || '0000' AS "host",
    "t0"."settlement_no",
    CASE
      WHEN "t0"."kind" = 0
      THEN 'SETTLEMENT'
      WHEN "t0"."kind" = 1
      THEN 'COPY'
      WHEN "t0"."kind" = 2
      THEN 'REVERSAL'
      ELSE ''
    END AS "line_kind",
    CASE
      WHEN "t0"."rank" = 18
      THEN 'MATCHED'
      WHEN "t0"."rank" = 17
      THEN 'FIELD'
      WHEN "t0"."rank" = 16
      THEN 'AMOUNT'
      WHEN "t0"."rank" = 15
      THEN 'HOST_ONLY'
      WHEN "t0"."rank" = 14
      THEN 'HOME_ONLY'
      WHEN "t0"."rank" = 13
      THEN 'IN_TRANSIT'
      WHEN "t0"."rank" = 12
      THEN 'OVER_BUDGET'
      WHEN "t0"."rank" = 11
      THEN 'OVER_CAP'
      WHEN "t0"."rank" = 10
      THEN 'OVERLAP'
      WHEN "t0"."rank" = 9
      THEN 'CAREGIVER_UNCERTIFIED'
      WHEN "t0"."rank" = 8
      THEN 'ELDER_INELIGIBLE'
      WHEN "t0"."rank" = 7
      THEN 'INSTITUTION_UNLISTED'
      WHEN "t0"."rank" = 6
      THEN 'OUT_OF_AGREEMENT'
      WHEN "t0"."rank" = 5
      THEN 'DUP_SEMANTIC'
      WHEN "t0"."rank" = 4
      THEN 'DUP_EXACT'
      WHEN "t0"."rank" = 3
      THEN 'DUP_CONFLICT'
      WHEN "t0"."rank" = 2
      THEN 'REVERSED_ONE_SIDE'
      WHEN "t0"."rank" = 1
      THEN 'REVERSED'
      ELSE ''
    END AS "class",
    "t0"."home_rows",
    "t0"."home_fen",
    "t0"."host_rows",
    "t0"."host_fen",
    LIST_EXTRACT(STR_SPLIT("t0"."home_claim", CHR(31)), 1) AS "home_beneficiary_ref",
    LIST_EXTRACT(STR_SPLIT("t0"."home_claim", CHR(31)), 2) AS "home_institution",
    LIST_EXTRACT(STR_SPLIT("t0"."home_claim", CHR(31)), 3) AS "home_subsidy_kind",
    LIST_EXTRACT(STR_SPLIT("t0"."home_claim", CHR(31)), 4) AS "home_service_month",
    CAST(LIST_EXTRACT(STR_SPLIT("t0"."home_claim", CHR(31)), 5) AS BIGINT) AS "home_service_days",
    CAST(LIST_EXTRACT(STR_SPLIT("t0"."home_claim", CHR(31)), 6) AS BIGINT) AS "home_amount_fen",
    "t0"."home_caregiver" AS "home_caregiver_cert_no",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_claim", "t0"."home_claim")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      1
    ) AS "host_beneficiary_ref",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_claim", "t0"."home_claim")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      2
    ) AS "host_institution",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_claim", "t0"."home_claim")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      3
    ) AS "host_subsidy_kind",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_claim", "t0"."home_claim")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      4
    ) AS "host_service_month",
    CAST(LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_claim", "t0"."home_claim")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      5
    ) AS BIGINT) AS "host_service_days",
    CAST(LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_claim", "t0"."home_claim")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      6
    ) AS BIGINT) AS "host_amount_fen",
    "t0"."host_caregiver" AS "host_caregiver_cert_no",
    "t0"."filed_date"
  FROM "lines" AS "t0"
) AS "t1"
ORDER BY
  "t1"."home" ASC,
  "t1"."host" ASC,
  "t1"."settlement_no" ASC,
  "t1"."class" ASC,
  "t1"."home_rows" ASC
;

-- step: closed
-- kept: no
-- reads: lines odd_numbers odd_rows
-- columns: side:string pair:int16 settlement_no:string position:int64 rank:int8
WITH "t8" AS (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM "lines" AS "t2"
    WHERE
      "t2"."rank" = 18 AND "t2"."kind" = 0
  ) AS "t5"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM "lines" AS "t2"
    WHERE
      "t2"."rank" = 4 AND "t2"."kind" = 1
  ) AS "t6"
)
SELECT
  *
FROM (
  SELECT
    "t3"."side",
    "t3"."pair",
    "t3"."settlement_no",
    "t3"."position",
    1 AS "rank"
  FROM "odd_rows" AS "t3"
  SEMI JOIN (
    SELECT
      *
    FROM "odd_numbers" AS "t1"
    WHERE
      "t1"."fate" = 1
  ) AS "t7"
    ON "t3"."pair" = "t7"."pair" AND "t3"."settlement_no" = "t7"."settlement_no"
) AS "t10"
UNION ALL
SELECT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      'home' AS "side",
      "t9"."pair",
      "t9"."settlement_no",
      "t9"."home_position" AS "position",
      "t9"."rank"
    FROM "t8" AS "t9"
    WHERE
      "t9"."home_rows" > 0
  ) AS "t11"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      'host' AS "side",
      "t9"."pair",
      "t9"."settlement_no",
      "t9"."host_position" AS "position",
      "t9"."rank"
    FROM "t8" AS "t9"
    WHERE
      "t9"."host_rows" > 0
  ) AS "t12"
) AS "t13"
;

-- step: newly_cleared
-- kept: no
-- reads: lines
-- columns: pair:int16 settlement_no:string beneficiary_ref:string institution:string subsidy_kind:string service_month:string service_days:int64 amount_fen:int64 caregiver_cert_no:string home_position:int64 host_position:int64
SELECT
  "t1"."pair",
  "t1"."settlement_no",
  LIST_EXTRACT(STR_SPLIT("t1"."home_claim", CHR(31)), 1) AS "beneficiary_ref",
  LIST_EXTRACT(STR_SPLIT("t1"."home_claim", CHR(31)), 2) AS "institution",
  LIST_EXTRACT(STR_SPLIT("t1"."home_claim", CHR(31)), 3) AS "subsidy_kind",
  LIST_EXTRACT(STR_SPLIT("t1"."home_claim", CHR(31)), 4) AS "service_month",
  CAST(LIST_EXTRACT(STR_SPLIT("t1"."home_claim", CHR(31)), 5) AS BIGINT) AS "service_days",
  CAST(LIST_EXTRACT(STR_SPLIT("t1"."home_claim", CHR(31)), 6) AS BIGINT) AS "amount_fen",
  "t1"."home_caregiver" AS "caregiver_cert_no",
  "t1"."home_position",
  "t1"."host_position"
FROM (
  SELECT
    *
  FROM "lines" AS "t0"
  WHERE
    "t0"."rank" = 18 AND "t0"."kind" = 0
) AS "t1"
;

-- step: newly_cancelled
-- kept: no
-- reads: lines
-- columns: pair:int16 settlement_no:string
SELECT
  "t0"."pair",
  "t0"."settlement_no"
FROM "lines" AS "t0"
WHERE
  "t0"."rank" = 18 AND "t0"."kind" = 2
;
