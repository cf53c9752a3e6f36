-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

-- input: agreements pair home_division institution subsidy_kind service_month day_mask
-- input: asked transit_after_date
-- input: caregivers host institution caregiver_cert_no service_month day_mask
-- input: cleared pair settlement_no text beneficiary_ref service_month amount_fen cancelled institution subsidy_kind service_days caregiver_cert_no
-- input: cleared_reversals side pair settlement_no filed_date
-- input: enrolments pair beneficiary_ref home_division subsidy_kind from_date until_date
-- input: holds pair settlement_no hold_class
-- input: home_rows pair settlement_no text beneficiary_ref service_month amount_fen filed_date position institution subsidy_kind service_days caregiver_cert_no
-- input: host_rows pair settlement_no text beneficiary_ref service_month amount_fen filed_date position institution subsidy_kind service_days caregiver_cert_no
-- input: listings pair institution service_month day_mask
-- input: policies home subsidy_kind service_month unit rate_fen cap_fen exclusive needs_caregiver
-- input: reversed_numbers side pair settlement_no

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

-- step: reversed_after
-- kept: yes
-- reads: cleared reversed_numbers
-- columns: side:string pair:int16 settlement_no:string
SELECT
  "t2"."side",
  "t2"."pair",
  "t2"."settlement_no"
FROM "reversed_numbers" AS "t2"
SEMI JOIN "cleared" AS "t3"
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
-- columns: pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 filed_date:date position:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string side:string claim_hash:uint64 copy_index:int64
SELECT
  "t9"."pair",
  "t9"."settlement_no",
  "t9"."text",
  "t9"."beneficiary_ref",
  "t9"."service_month",
  "t9"."amount_fen",
  "t9"."filed_date",
  "t9"."position",
  "t9"."institution",
  "t9"."subsidy_kind",
  "t9"."service_days",
  "t9"."caregiver_cert_no",
  "t9"."side",
  "t9"."claim_hash",
  ROW_NUMBER() OVER (
    PARTITION BY "t9"."side", "t9"."pair", "t9"."settlement_no"
    ORDER BY "t9"."position" ASC
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) - 1 AS "copy_index"
FROM (
  SELECT
    "t8"."pair",
    "t8"."settlement_no",
    "t8"."text",
    "t8"."beneficiary_ref",
    "t8"."service_month",
    "t8"."amount_fen",
    "t8"."filed_date",
    "t8"."position",
    "t8"."institution",
    "t8"."subsidy_kind",
    "t8"."service_days",
    "t8"."caregiver_cert_no",
    "t8"."side",
    XOR(
      HASH("t8"."beneficiary_ref", "t8"."service_month", "t8"."amount_fen"),
      CAST("t8"."pair" AS UBIGINT)
    ) AS "claim_hash"
  FROM (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      "t7"."text",
      "t7"."beneficiary_ref",
      "t7"."service_month",
      "t7"."amount_fen",
      "t7"."filed_date",
      "t7"."position",
      "t7"."institution",
      "t7"."subsidy_kind",
      "t7"."service_days",
      "t7"."caregiver_cert_no",
      "t7"."side"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."text",
          "t1"."beneficiary_ref",
          "t1"."service_month",
          "t1"."amount_fen",
          "t1"."filed_date",
          "t1"."position",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_days",
          "t1"."caregiver_cert_no",
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
          "t2"."text",
          "t2"."beneficiary_ref",
          "t2"."service_month",
          "t2"."amount_fen",
          "t2"."filed_date",
          "t2"."position",
          "t2"."institution",
          "t2"."subsidy_kind",
          "t2"."service_days",
          "t2"."caregiver_cert_no",
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

-- step: judged_rows
-- kept: yes
-- reads: odd_rows reversed_after
-- columns: pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 filed_date:date position:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string side:string claim_hash:uint64 copy_index:int64
SELECT
  "t2"."pair",
  "t2"."settlement_no",
  "t2"."text",
  "t2"."beneficiary_ref",
  "t2"."service_month",
  "t2"."amount_fen",
  "t2"."filed_date",
  "t2"."position",
  "t2"."institution",
  "t2"."subsidy_kind",
  "t2"."service_days",
  "t2"."caregiver_cert_no",
  "t2"."side",
  "t2"."claim_hash",
  "t2"."copy_index"
FROM "odd_rows" AS "t2"
ANTI JOIN "reversed_after" AS "t3"
  ON "t2"."side" = "t3"."side"
  AND "t2"."pair" = "t3"."pair"
  AND "t2"."settlement_no" = "t3"."settlement_no"
;

-- step: withdrawn_rows
-- kept: yes
-- reads: odd_rows reversed_after
-- columns: pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 filed_date:date position:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string side:string claim_hash:uint64 copy_index:int64
SELECT
  "t2"."pair",
  "t2"."settlement_no",
  "t2"."text",
  "t2"."beneficiary_ref",
  "t2"."service_month",
  "t2"."amount_fen",
  "t2"."filed_date",
  "t2"."position",
  "t2"."institution",
  "t2"."subsidy_kind",
  "t2"."service_days",
  "t2"."caregiver_cert_no",
  "t2"."side",
  "t2"."claim_hash",
  "t2"."copy_index"
FROM "odd_rows" AS "t2"
SEMI JOIN "reversed_after" AS "t3"
  ON "t2"."side" = "t3"."side"
  AND "t2"."pair" = "t3"."pair"
  AND "t2"."settlement_no" = "t3"."settlement_no"
;

-- step: odd_numbers
-- kept: yes
-- reads: cleared judged_rows reversed_before
-- columns: pair:int16 settlement_no:string home_rows:int64 home_fen:int64 home_least:string home_most:string host_rows:int64 host_fen:int64 host_least:string host_most:string filed_date:date by_home:boolean by_host:boolean cleared_text:string cleared_fen:int64 fate:int8
WITH "t4" AS (
  SELECT
    "t0"."pair",
    "t0"."settlement_no",
    SUM(CAST("t0"."side" = 'home' AS INT)) AS "home_rows",
    SUM("t0"."amount_fen") FILTER(WHERE
      "t0"."side" = 'home') AS "home_fen",
    MIN("t0"."text") FILTER(WHERE
      "t0"."side" = 'home') AS "home_least",
    MAX("t0"."text") FILTER(WHERE
      "t0"."side" = 'home') AS "home_most",
    SUM(CAST("t0"."side" = 'host' AS INT)) AS "host_rows",
    SUM("t0"."amount_fen") FILTER(WHERE
      "t0"."side" = 'host') AS "host_fen",
    MIN("t0"."text") FILTER(WHERE
      "t0"."side" = 'host') AS "host_least",
    MAX("t0"."text") FILTER(WHERE
      "t0"."side" = 'host') AS "host_most",
    MIN("t0"."filed_date") AS "filed_date"
  FROM "judged_rows" AS "t0"
  GROUP BY
    1,
    2
)
SELECT
  "t12"."pair",
  "t12"."settlement_no",
  "t12"."home_rows",
  "t12"."home_fen",
  "t12"."home_least",
  "t12"."home_most",
  "t12"."host_rows",
  "t12"."host_fen",
  "t12"."host_least",
  "t12"."host_most",
  "t12"."filed_date",
  "t12"."by_home",
  "t12"."by_host",
  "t12"."cleared_text",
  "t12"."cleared_fen",
  CASE
    WHEN (
      "t12"."by_home" IS NOT NULL
    )
    AND (
      (
        (
          "t12"."home_rows" = 0
        ) OR "t12"."by_home"
      )
      AND (
        (
          "t12"."host_rows" = 0
        ) OR "t12"."by_host"
      )
    )
    THEN 1
    WHEN "t12"."by_home" IS NOT NULL
    THEN 2
    WHEN COALESCE("t12"."home_least" <> "t12"."home_most", FALSE)
    OR COALESCE("t12"."host_least" <> "t12"."host_most", FALSE)
    OR COALESCE("t12"."home_least" <> "t12"."cleared_text", FALSE)
    OR COALESCE("t12"."host_least" <> "t12"."cleared_text", FALSE)
    THEN 3
    WHEN "t12"."cleared_text" IS NOT NULL
    THEN -1
    ELSE 0
  END AS "fate"
FROM (
  SELECT
    "t8"."pair",
    "t8"."settlement_no",
    "t8"."home_rows",
    "t8"."home_fen",
    "t8"."home_least",
    "t8"."home_most",
    "t8"."host_rows",
    "t8"."host_fen",
    "t8"."host_least",
    "t8"."host_most",
    "t8"."filed_date",
    "t7"."by_home",
    "t7"."by_host",
    "t11"."cleared_text",
    "t11"."cleared_fen"
  FROM "t4" AS "t8"
  LEFT OUTER JOIN (
    SELECT
      "t1"."pair",
      "t1"."settlement_no",
      BOOL_OR(CAST("t1"."side" = 'home' AS BOOLEAN)) AS "by_home",
      BOOL_OR(CAST("t1"."side" = 'host' AS BOOLEAN)) AS "by_host"
    FROM "reversed_before" AS "t1"
    GROUP BY
      1,
      2
  ) AS "t7"
    ON "t8"."pair" = "t7"."pair" AND "t8"."settlement_no" = "t7"."settlement_no"
  LEFT OUTER JOIN (
    SELECT
      "t3"."pair",
      "t3"."settlement_no",
      "t3"."text" AS "cleared_text",
      "t3"."amount_fen" AS "cleared_fen"
    FROM "cleared" AS "t3"
    SEMI JOIN "t4" AS "t9"
      ON "t3"."pair" = "t9"."pair" AND "t3"."settlement_no" = "t9"."settlement_no"
  ) AS "t11"
    ON "t8"."pair" = "t11"."pair" AND "t8"."settlement_no" = "t11"."settlement_no"
) AS "t12"
;

-- step: settlements
-- kept: yes
-- reads: home_rows host_rows judged_rows odd_hashes odd_numbers
-- columns: pair:int16 settlement_no:string home_text:string home_fen:int64 home_position:int64 home_hash:uint64 host_text:string host_fen:int64 host_position:int64 host_hash:uint64 filed_date:date
SELECT
  COALESCE("t24"."pair", "t25"."pair") AS "pair",
  COALESCE("t24"."settlement_no", "t25"."settlement_no") AS "settlement_no",
  "t24"."text" AS "home_text",
  "t24"."amount_fen" AS "home_fen",
  "t24"."position" AS "home_position",
  "t24"."claim_hash" AS "home_hash",
  NULLIF("t25"."text", "t24"."text") AS "host_text",
  "t25"."amount_fen" AS "host_fen",
  "t25"."position" AS "host_position",
  "t25"."claim_hash" AS "host_hash",
  COALESCE(
    LEAST("t24"."filed_date", "t25"."filed_date"),
    "t24"."filed_date",
    "t25"."filed_date"
  ) AS "filed_date"
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
        "t14"."text",
        "t14"."beneficiary_ref",
        "t14"."service_month",
        "t14"."amount_fen",
        "t14"."filed_date",
        "t14"."position",
        "t14"."institution",
        "t14"."subsidy_kind",
        "t14"."service_days",
        "t14"."caregiver_cert_no",
        XOR(
          HASH("t14"."beneficiary_ref", "t14"."service_month", "t14"."amount_fen"),
          CAST("t14"."pair" AS UBIGINT)
        ) AS "claim_hash"
      FROM (
        SELECT
          "t5"."pair",
          "t5"."settlement_no",
          "t5"."text",
          "t5"."beneficiary_ref",
          "t5"."service_month",
          "t5"."amount_fen",
          "t5"."filed_date",
          "t5"."position",
          "t5"."institution",
          "t5"."subsidy_kind",
          "t5"."service_days",
          "t5"."caregiver_cert_no"
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
      "t11"."text",
      "t11"."beneficiary_ref",
      "t11"."service_month",
      "t11"."amount_fen",
      "t11"."filed_date",
      "t11"."position",
      "t11"."institution",
      "t11"."subsidy_kind",
      "t11"."service_days",
      "t11"."caregiver_cert_no",
      "t11"."claim_hash"
    FROM (
      SELECT
        *
      FROM "judged_rows" AS "t0"
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
        "t15"."text",
        "t15"."beneficiary_ref",
        "t15"."service_month",
        "t15"."amount_fen",
        "t15"."filed_date",
        "t15"."position",
        "t15"."institution",
        "t15"."subsidy_kind",
        "t15"."service_days",
        "t15"."caregiver_cert_no",
        XOR(
          HASH("t15"."beneficiary_ref", "t15"."service_month", "t15"."amount_fen"),
          CAST("t15"."pair" AS UBIGINT)
        ) AS "claim_hash"
      FROM (
        SELECT
          "t7"."pair",
          "t7"."settlement_no",
          "t7"."text",
          "t7"."beneficiary_ref",
          "t7"."service_month",
          "t7"."amount_fen",
          "t7"."filed_date",
          "t7"."position",
          "t7"."institution",
          "t7"."subsidy_kind",
          "t7"."service_days",
          "t7"."caregiver_cert_no"
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
      "t12"."text",
      "t12"."beneficiary_ref",
      "t12"."service_month",
      "t12"."amount_fen",
      "t12"."filed_date",
      "t12"."position",
      "t12"."institution",
      "t12"."subsidy_kind",
      "t12"."service_days",
      "t12"."caregiver_cert_no",
      "t12"."claim_hash"
    FROM (
      SELECT
        *
      FROM "judged_rows" AS "t0"
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
-- reads: cleared judged_rows reversed_before settlements
-- columns: pair:int16 settlement_no:string claim:string
WITH "t14" AS (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t0"."pair",
        "t0"."settlement_no",
        "t0"."home_text" AS "text",
        "t0"."home_hash" AS "claim_hash"
      FROM "settlements" AS "t0"
      WHERE
        "t0"."home_text" IS NOT NULL
    ) AS "t6"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t0"."pair",
        "t0"."settlement_no",
        "t0"."host_text" AS "text",
        "t0"."host_hash" AS "claim_hash"
      FROM "settlements" AS "t0"
      WHERE
        "t0"."host_text" IS NOT NULL
    ) AS "t7"
  ) AS "t9"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t4"."pair",
        "t4"."settlement_no",
        "t4"."text",
        "t4"."claim_hash"
      FROM "judged_rows" AS "t4"
      ANTI JOIN "reversed_before" AS "t5"
        ON "t4"."side" = "t5"."side"
        AND "t4"."pair" = "t5"."pair"
        AND "t4"."settlement_no" = "t5"."settlement_no"
    ) AS "t10"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t11"."pair",
        "t11"."settlement_no",
        "t11"."text",
        "t11"."claim_hash"
      FROM (
        SELECT
          "t8"."pair",
          "t8"."settlement_no",
          "t8"."text",
          "t8"."beneficiary_ref",
          "t8"."service_month",
          "t8"."amount_fen",
          "t8"."cancelled",
          "t8"."institution",
          "t8"."subsidy_kind",
          "t8"."service_days",
          "t8"."caregiver_cert_no",
          XOR(
            HASH("t8"."beneficiary_ref", "t8"."service_month", "t8"."amount_fen"),
            CAST("t8"."pair" AS UBIGINT)
          ) AS "claim_hash"
        FROM (
          SELECT
            *
          FROM "cleared" AS "t3"
          WHERE
            NOT (
              "t3"."cancelled"
            )
        ) AS "t8"
      ) AS "t11"
    ) AS "t12"
  ) AS "t13"
)
SELECT
  "t16"."pair",
  "t16"."settlement_no",
  ARRAY_TO_STRING(LIST_SLICE(STR_SPLIT("t16"."text", CHR(31)), 4, 9), CHR(31)) AS "claim"
FROM "t14" AS "t16"
SEMI JOIN (
  SELECT
    *
  FROM (
    SELECT
      "t15"."claim_hash",
      COUNT(*) AS "row_count"
    FROM "t14" AS "t15"
    GROUP BY
      1
  ) AS "t17"
  WHERE
    "t17"."row_count" > 1
) AS "t19"
  ON "t16"."claim_hash" = "t19"."claim_hash"
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

-- step: first_rows
-- kept: yes
-- reads: home_rows host_rows judged_rows odd_hashes odd_numbers
-- columns: pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 filed_date:date position:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string claim_hash:uint64
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
        "t14"."pair",
        "t14"."settlement_no",
        "t14"."text",
        "t14"."beneficiary_ref",
        "t14"."service_month",
        "t14"."amount_fen",
        "t14"."filed_date",
        "t14"."position",
        "t14"."institution",
        "t14"."subsidy_kind",
        "t14"."service_days",
        "t14"."caregiver_cert_no",
        XOR(
          HASH("t14"."beneficiary_ref", "t14"."service_month", "t14"."amount_fen"),
          CAST("t14"."pair" AS UBIGINT)
        ) AS "claim_hash"
      FROM (
        SELECT
          "t5"."pair",
          "t5"."settlement_no",
          "t5"."text",
          "t5"."beneficiary_ref",
          "t5"."service_month",
          "t5"."amount_fen",
          "t5"."filed_date",
          "t5"."position",
          "t5"."institution",
          "t5"."subsidy_kind",
          "t5"."service_days",
          "t5"."caregiver_cert_no"
        FROM "home_rows" AS "t5"
        ANTI JOIN "odd_hashes" AS "t7"
          ON (
            XOR(HASH("t5"."settlement_no"), CAST("t5"."pair" AS UBIGINT))
          ) = "t7"."number_hash"
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
      "t11"."text",
      "t11"."beneficiary_ref",
      "t11"."service_month",
      "t11"."amount_fen",
      "t11"."filed_date",
      "t11"."position",
      "t11"."institution",
      "t11"."subsidy_kind",
      "t11"."service_days",
      "t11"."caregiver_cert_no",
      "t11"."claim_hash"
    FROM (
      SELECT
        *
      FROM "judged_rows" AS "t0"
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
) AS "t22"
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
        "t15"."pair",
        "t15"."settlement_no",
        "t15"."text",
        "t15"."beneficiary_ref",
        "t15"."service_month",
        "t15"."amount_fen",
        "t15"."filed_date",
        "t15"."position",
        "t15"."institution",
        "t15"."subsidy_kind",
        "t15"."service_days",
        "t15"."caregiver_cert_no",
        XOR(
          HASH("t15"."beneficiary_ref", "t15"."service_month", "t15"."amount_fen"),
          CAST("t15"."pair" AS UBIGINT)
        ) AS "claim_hash"
      FROM (
        SELECT
          "t6"."pair",
          "t6"."settlement_no",
          "t6"."text",
          "t6"."beneficiary_ref",
          "t6"."service_month",
          "t6"."amount_fen",
          "t6"."filed_date",
          "t6"."position",
          "t6"."institution",
          "t6"."subsidy_kind",
          "t6"."service_days",
          "t6"."caregiver_cert_no"
        FROM "host_rows" AS "t6"
        ANTI JOIN "odd_hashes" AS "t7"
          ON (
            XOR(HASH("t6"."settlement_no"), CAST("t6"."pair" AS UBIGINT))
          ) = "t7"."number_hash"
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
      "t12"."text",
      "t12"."beneficiary_ref",
      "t12"."service_month",
      "t12"."amount_fen",
      "t12"."filed_date",
      "t12"."position",
      "t12"."institution",
      "t12"."subsidy_kind",
      "t12"."service_days",
      "t12"."caregiver_cert_no",
      "t12"."claim_hash"
    FROM (
      SELECT
        *
      FROM "judged_rows" AS "t0"
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
) AS "t23"
;

-- step: agreed_days
-- kept: yes
-- reads: agreements enrolments first_rows
-- columns: pair:int16 beneficiary_ref:string institution:string subsidy_kind:string service_month:string day_mask:int64
WITH "t4" AS (
  SELECT DISTINCT
    "t0"."pair",
    "t0"."beneficiary_ref",
    "t0"."institution",
    "t0"."subsidy_kind",
    "t0"."service_month"
  FROM "first_rows" AS "t0"
), "t14" AS (
  SELECT
    *
  FROM (
    SELECT
      "t12"."pair",
      "t12"."beneficiary_ref",
      "t12"."service_month",
      "t3"."home_division",
      CASE
        WHEN CASE
          WHEN (
            "t3"."until_date" = ''
          )
          OR (
            SUBSTRING(
              "t3"."until_date",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
              7
            ) > "t12"."service_month"
          )
          THEN CASE
            WHEN CAST(SUBSTRING(
              "t12"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
              2
            ) AS BIGINT) IN (4, 6, 9, 11)
            THEN 30
            WHEN (
              CAST(SUBSTRING(
                "t12"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                2
              ) AS BIGINT) = 2
            )
            AND (
              (
                (
                  (
                    CAST(SUBSTRING(
                      "t12"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                      4
                    ) AS BIGINT) % 4
                  ) = 0
                )
                AND (
                  (
                    CAST(SUBSTRING(
                      "t12"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                      4
                    ) AS BIGINT) % 100
                  ) <> 0
                )
              )
              OR (
                (
                  CAST(SUBSTRING(
                    "t12"."service_month",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                    4
                  ) AS BIGINT) % 400
                ) = 0
              )
            )
            THEN 29
            WHEN CAST(SUBSTRING(
              "t12"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
              2
            ) AS BIGINT) = 2
            THEN 28
            ELSE 31
          END
          WHEN SUBSTRING(
            "t3"."until_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
            7
          ) = "t12"."service_month"
          THEN CAST(SUBSTRING(
            "t3"."until_date",
            CASE WHEN (
              8 + 1
            ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."until_date") END,
            2
          ) AS BIGINT)
          ELSE 0
        END >= CASE
          WHEN SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
            7
          ) < "t12"."service_month"
          THEN 1
          WHEN SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
            7
          ) = "t12"."service_month"
          THEN CAST(SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              8 + 1
            ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."from_date") END,
            2
          ) AS BIGINT)
          ELSE 32
        END
        THEN (
          1 << CASE
            WHEN (
              "t3"."until_date" = ''
            )
            OR (
              SUBSTRING(
                "t3"."until_date",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
                7
              ) > "t12"."service_month"
            )
            THEN CASE
              WHEN CAST(SUBSTRING(
                "t12"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                2
              ) AS BIGINT) IN (4, 6, 9, 11)
              THEN 30
              WHEN (
                CAST(SUBSTRING(
                  "t12"."service_month",
                  CASE WHEN (
                    5 + 1
                  ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                  2
                ) AS BIGINT) = 2
              )
              AND (
                (
                  (
                    (
                      CAST(SUBSTRING(
                        "t12"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                        4
                      ) AS BIGINT) % 4
                    ) = 0
                  )
                  AND (
                    (
                      CAST(SUBSTRING(
                        "t12"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                        4
                      ) AS BIGINT) % 100
                    ) <> 0
                  )
                )
                OR (
                  (
                    CAST(SUBSTRING(
                      "t12"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                      4
                    ) AS BIGINT) % 400
                  ) = 0
                )
              )
              THEN 29
              WHEN CAST(SUBSTRING(
                "t12"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                2
              ) AS BIGINT) = 2
              THEN 28
              ELSE 31
            END
            WHEN SUBSTRING(
              "t3"."until_date",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
              7
            ) = "t12"."service_month"
            THEN CAST(SUBSTRING(
              "t3"."until_date",
              CASE WHEN (
                8 + 1
              ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."until_date") END,
              2
            ) AS BIGINT)
            ELSE 0
          END
        ) - (
          1 << (
            CASE
              WHEN SUBSTRING(
                "t3"."from_date",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
                7
              ) < "t12"."service_month"
              THEN 1
              WHEN SUBSTRING(
                "t3"."from_date",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
                7
              ) = "t12"."service_month"
              THEN CAST(SUBSTRING(
                "t3"."from_date",
                CASE WHEN (
                  8 + 1
                ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."from_date") END,
                2
              ) AS BIGINT)
              ELSE 32
            END - 1
          )
        )
        ELSE 0
      END AS "known_mask"
    FROM (
      SELECT DISTINCT
        "t5"."pair",
        "t5"."beneficiary_ref",
        "t5"."service_month"
      FROM "t4" AS "t5"
    ) AS "t12"
    INNER JOIN "enrolments" AS "t3"
      ON "t12"."pair" = "t3"."pair" AND "t12"."beneficiary_ref" = "t3"."beneficiary_ref"
  ) AS "t13"
  WHERE
    "t13"."known_mask" <> 0
)
SELECT
  *
FROM (
  SELECT
    "t8"."pair",
    "t8"."beneficiary_ref",
    "t8"."institution",
    "t8"."subsidy_kind",
    "t8"."service_month",
    "t16"."known_mask" & "t9"."day_mask" AS "day_mask"
  FROM "t4" AS "t8"
  INNER JOIN "t14" AS "t16"
    ON "t8"."pair" = "t16"."pair"
    AND "t8"."beneficiary_ref" = "t16"."beneficiary_ref"
    AND "t8"."service_month" = "t16"."service_month"
  INNER JOIN (
    SELECT
      *
    FROM "agreements" AS "t1"
    WHERE
      "t1"."home_division" <> ''
  ) AS "t9"
    ON "t8"."pair" = "t9"."pair"
    AND "t16"."home_division" = "t9"."home_division"
    AND "t8"."institution" = "t9"."institution"
    AND "t8"."subsidy_kind" = "t9"."subsidy_kind"
    AND "t8"."service_month" = "t9"."service_month"
) AS "t19"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t20"."pair",
    "t20"."beneficiary_ref",
    "t20"."institution",
    "t20"."subsidy_kind",
    "t20"."service_month",
    "t20"."day_mask" - (
      "t20"."day_mask" & COALESCE("t20"."known_mask", 0)
    ) AS "day_mask"
  FROM (
    SELECT
      "t8"."pair",
      "t8"."beneficiary_ref",
      "t8"."institution",
      "t8"."subsidy_kind",
      "t8"."service_month",
      "t10"."day_mask",
      "t18"."known_mask"
    FROM "t4" AS "t8"
    INNER JOIN (
      SELECT
        "t1"."pair",
        "t1"."institution",
        "t1"."subsidy_kind",
        "t1"."service_month",
        "t1"."day_mask"
      FROM "agreements" AS "t1"
      WHERE
        "t1"."home_division" = ''
    ) AS "t10"
      ON "t8"."pair" = "t10"."pair"
      AND "t8"."institution" = "t10"."institution"
      AND "t8"."subsidy_kind" = "t10"."subsidy_kind"
      AND "t8"."service_month" = "t10"."service_month"
    LEFT OUTER JOIN (
      SELECT
        "t15"."pair",
        "t15"."beneficiary_ref",
        "t15"."service_month",
        BIT_OR("t15"."known_mask") AS "known_mask"
      FROM "t14" AS "t15"
      GROUP BY
        1,
        2,
        3
    ) AS "t18"
      ON "t8"."pair" = "t18"."pair"
      AND "t8"."beneficiary_ref" = "t18"."beneficiary_ref"
      AND "t8"."service_month" = "t18"."service_month"
  ) AS "t20"
) AS "t21"
;

-- step: enrolled_days
-- kept: yes
-- reads: enrolments first_rows
-- columns: pair:int16 beneficiary_ref:string subsidy_kind:string service_month:string day_mask:int64
SELECT
  "t4"."pair",
  "t4"."beneficiary_ref",
  "t4"."subsidy_kind",
  "t4"."service_month",
  CASE
    WHEN CASE
      WHEN (
        "t2"."until_date" = ''
      )
      OR (
        SUBSTRING(
          "t2"."until_date",
          CASE WHEN (
            0 + 1
          ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
          7
        ) > "t4"."service_month"
      )
      THEN CASE
        WHEN CAST(SUBSTRING(
          "t4"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t4"."service_month") END,
          2
        ) AS BIGINT) IN (4, 6, 9, 11)
        THEN 30
        WHEN (
          CAST(SUBSTRING(
            "t4"."service_month",
            CASE WHEN (
              5 + 1
            ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t4"."service_month") END,
            2
          ) AS BIGINT) = 2
        )
        AND (
          (
            (
              (
                CAST(SUBSTRING(
                  "t4"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t4"."service_month") END,
                  4
                ) AS BIGINT) % 4
              ) = 0
            )
            AND (
              (
                CAST(SUBSTRING(
                  "t4"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t4"."service_month") END,
                  4
                ) AS BIGINT) % 100
              ) <> 0
            )
          )
          OR (
            (
              CAST(SUBSTRING(
                "t4"."service_month",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t4"."service_month") END,
                4
              ) AS BIGINT) % 400
            ) = 0
          )
        )
        THEN 29
        WHEN CAST(SUBSTRING(
          "t4"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t4"."service_month") END,
          2
        ) AS BIGINT) = 2
        THEN 28
        ELSE 31
      END
      WHEN SUBSTRING(
        "t2"."until_date",
        CASE WHEN (
          0 + 1
        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
        7
      ) = "t4"."service_month"
      THEN CAST(SUBSTRING(
        "t2"."until_date",
        CASE WHEN (
          8 + 1
        ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."until_date") END,
        2
      ) AS BIGINT)
      ELSE 0
    END >= CASE
      WHEN SUBSTRING(
        "t2"."from_date",
        CASE WHEN (
          0 + 1
        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
        7
      ) < "t4"."service_month"
      THEN 1
      WHEN SUBSTRING(
        "t2"."from_date",
        CASE WHEN (
          0 + 1
        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
        7
      ) = "t4"."service_month"
      THEN CAST(SUBSTRING(
        "t2"."from_date",
        CASE WHEN (
          8 + 1
        ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."from_date") END,
        2
      ) AS BIGINT)
      ELSE 32
    END
    THEN (
      1 << CASE
        WHEN (
          "t2"."until_date" = ''
        )
        OR (
          SUBSTRING(
            "t2"."until_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
            7
          ) > "t4"."service_month"
        )
        THEN CASE
          WHEN CAST(SUBSTRING(
            "t4"."service_month",
            CASE WHEN (
              5 + 1
            ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t4"."service_month") END,
            2
          ) AS BIGINT) IN (4, 6, 9, 11)
          THEN 30
          WHEN (
            CAST(SUBSTRING(
              "t4"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t4"."service_month") END,
              2
            ) AS BIGINT) = 2
          )
          AND (
            (
              (
                (
                  CAST(SUBSTRING(
                    "t4"."service_month",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t4"."service_month") END,
                    4
                  ) AS BIGINT) % 4
                ) = 0
              )
              AND (
                (
                  CAST(SUBSTRING(
                    "t4"."service_month",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t4"."service_month") END,
                    4
                  ) AS BIGINT) % 100
                ) <> 0
              )
            )
            OR (
              (
                CAST(SUBSTRING(
                  "t4"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t4"."service_month") END,
                  4
                ) AS BIGINT) % 400
              ) = 0
            )
          )
          THEN 29
          WHEN CAST(SUBSTRING(
            "t4"."service_month",
            CASE WHEN (
              5 + 1
            ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t4"."service_month") END,
            2
          ) AS BIGINT) = 2
          THEN 28
          ELSE 31
        END
        WHEN SUBSTRING(
          "t2"."until_date",
          CASE WHEN (
            0 + 1
          ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
          7
        ) = "t4"."service_month"
        THEN CAST(SUBSTRING(
          "t2"."until_date",
          CASE WHEN (
            8 + 1
          ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."until_date") END,
          2
        ) AS BIGINT)
        ELSE 0
      END
    ) - (
      1 << (
        CASE
          WHEN SUBSTRING(
            "t2"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
            7
          ) < "t4"."service_month"
          THEN 1
          WHEN SUBSTRING(
            "t2"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
            7
          ) = "t4"."service_month"
          THEN CAST(SUBSTRING(
            "t2"."from_date",
            CASE WHEN (
              8 + 1
            ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."from_date") END,
            2
          ) AS BIGINT)
          ELSE 32
        END - 1
      )
    )
    ELSE 0
  END AS "day_mask"
FROM (
  SELECT DISTINCT
    "t0"."pair",
    "t0"."beneficiary_ref",
    "t0"."subsidy_kind",
    "t0"."service_month"
  FROM "first_rows" AS "t0"
) AS "t4"
INNER JOIN "enrolments" AS "t2"
  ON "t4"."pair" = "t2"."pair"
  AND "t4"."beneficiary_ref" = "t2"."beneficiary_ref"
  AND "t4"."subsidy_kind" = "t2"."subsidy_kind"
;

-- step: barred
-- kept: yes
-- reads: agreed_days caregivers enrolled_days first_rows listings policies
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t22"."pair",
  "t22"."settlement_no",
  MIN("t22"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t20"."pair",
      "t20"."settlement_no",
      CASE
        WHEN NOT (
          BIT_COUNT(COALESCE("t20"."agreed_mask", 0)) >= "t20"."needed_days"
        )
        THEN 6
        WHEN NOT (
          BIT_COUNT(COALESCE("t20"."listed_mask", 0)) >= "t20"."needed_days"
        )
        THEN 7
        WHEN NOT (
          BIT_COUNT(COALESCE("t20"."enrolled_mask", 0)) >= "t20"."needed_days"
        )
        THEN 8
        WHEN NOT (
          CASE
            WHEN "t20"."caregiver_cert_no" <> ''
            THEN BIT_COUNT(COALESCE("t20"."certified_mask", 0)) >= "t20"."needed_days"
            ELSE NOT (
              COALESCE("t20"."needs_caregiver", FALSE)
            )
          END
        )
        THEN 9
        ELSE 0
      END AS "rank"
    FROM (
      SELECT
        "t19"."pair",
        "t19"."settlement_no",
        "t19"."text",
        "t19"."beneficiary_ref",
        "t19"."service_month",
        "t19"."amount_fen",
        "t19"."institution",
        "t19"."subsidy_kind",
        "t19"."service_days",
        "t19"."caregiver_cert_no",
        "t19"."home",
        "t19"."unit",
        "t19"."rate_fen",
        "t19"."cap_fen",
        "t19"."exclusive",
        "t19"."needs_caregiver",
        "t19"."needed_days",
        "t19"."host",
        "t11"."agreed_mask",
        "t12"."listed_mask",
        "t13"."enrolled_mask",
        "t14"."certified_mask"
      FROM (
        SELECT
          "t17"."pair",
          "t17"."settlement_no",
          "t17"."text",
          "t17"."beneficiary_ref",
          "t17"."service_month",
          "t17"."amount_fen",
          "t17"."institution",
          "t17"."subsidy_kind",
          "t17"."service_days",
          "t17"."caregiver_cert_no",
          "t17"."home",
          "t17"."unit",
          "t17"."rate_fen",
          "t17"."cap_fen",
          "t17"."exclusive",
          "t17"."needs_caregiver",
          CASE WHEN COALESCE("t17"."unit" = 'USE', FALSE) THEN 1 ELSE "t17"."service_days" END AS "needed_days",
          "t17"."pair" % 100 AS "host"
        FROM (
          SELECT
            "t16"."pair",
            "t16"."settlement_no",
            "t16"."text",
            "t16"."beneficiary_ref",
            "t16"."service_month",
            "t16"."amount_fen",
            "t16"."institution",
            "t16"."subsidy_kind",
            "t16"."service_days",
            "t16"."caregiver_cert_no",
            "t16"."home",
            "t6"."unit",
            "t6"."rate_fen",
            "t6"."cap_fen",
            "t6"."exclusive",
            "t6"."needs_caregiver"
          FROM (
            SELECT
              "t4"."pair",
              "t4"."settlement_no",
              "t4"."text",
              "t4"."beneficiary_ref",
              "t4"."service_month",
              "t4"."amount_fen",
              "t4"."institution",
              "t4"."subsidy_kind",
              "t4"."service_days",
              "t4"."caregiver_cert_no",
              CAST(CAST(FLOOR((
                "t4"."pair"
              ) / (
                100
              )) AS BIGINT) AS SMALLINT) AS "home"
            FROM "first_rows" AS "t4"
          ) AS "t16"
          LEFT OUTER JOIN "policies" AS "t6"
            ON "t16"."home" = "t6"."home"
            AND "t16"."subsidy_kind" = "t6"."subsidy_kind"
            AND "t16"."service_month" = "t6"."service_month"
        ) AS "t17"
      ) AS "t19"
      LEFT OUTER JOIN (
        SELECT
          "t0"."pair",
          "t0"."beneficiary_ref",
          "t0"."institution",
          "t0"."subsidy_kind",
          "t0"."service_month",
          BIT_OR("t0"."day_mask") AS "agreed_mask"
        FROM "agreed_days" AS "t0"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t11"
        ON "t19"."pair" = "t11"."pair"
        AND "t19"."beneficiary_ref" = "t11"."beneficiary_ref"
        AND "t19"."institution" = "t11"."institution"
        AND "t19"."subsidy_kind" = "t11"."subsidy_kind"
        AND "t19"."service_month" = "t11"."service_month"
      LEFT OUTER JOIN (
        SELECT
          "t1"."pair",
          "t1"."institution",
          "t1"."service_month",
          BIT_OR("t1"."day_mask") AS "listed_mask"
        FROM "listings" AS "t1"
        GROUP BY
          1,
          2,
          3
      ) AS "t12"
        ON "t19"."pair" = "t12"."pair"
        AND "t19"."institution" = "t12"."institution"
        AND "t19"."service_month" = "t12"."service_month"
      LEFT OUTER JOIN (
        SELECT
          "t2"."pair",
          "t2"."beneficiary_ref",
          "t2"."subsidy_kind",
          "t2"."service_month",
          BIT_OR("t2"."day_mask") AS "enrolled_mask"
        FROM "enrolled_days" AS "t2"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t13"
        ON "t19"."pair" = "t13"."pair"
        AND "t19"."beneficiary_ref" = "t13"."beneficiary_ref"
        AND "t19"."subsidy_kind" = "t13"."subsidy_kind"
        AND "t19"."service_month" = "t13"."service_month"
      LEFT OUTER JOIN (
        SELECT
          "t3"."host",
          "t3"."institution",
          "t3"."caregiver_cert_no",
          "t3"."service_month",
          BIT_OR("t3"."day_mask") AS "certified_mask"
        FROM "caregivers" AS "t3"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t14"
        ON "t19"."host" = "t14"."host"
        AND "t19"."institution" = "t14"."institution"
        AND "t19"."caregiver_cert_no" = "t14"."caregiver_cert_no"
        AND "t19"."service_month" = "t14"."service_month"
    ) AS "t20"
  ) AS "t21"
  WHERE
    "t21"."rank" > 0
) AS "t22"
GROUP BY
  1,
  2
;

-- step: overlapping
-- kept: yes
-- reads: barred cleared first_rows policies twins
-- columns: pair:int16 settlement_no:string
WITH "t16" AS (
  SELECT
    "t15"."pair",
    "t15"."settlement_no",
    "t15"."text",
    "t15"."beneficiary_ref",
    "t15"."service_month",
    "t15"."amount_fen",
    "t15"."institution",
    "t15"."subsidy_kind",
    "t15"."service_days",
    "t15"."caregiver_cert_no",
    "t15"."home",
    "t5"."unit",
    "t5"."rate_fen",
    "t5"."cap_fen",
    "t5"."exclusive",
    "t5"."needs_caregiver"
  FROM (
    SELECT
      "t13"."pair",
      "t13"."settlement_no",
      "t13"."text",
      "t13"."beneficiary_ref",
      "t13"."service_month",
      "t13"."amount_fen",
      "t13"."institution",
      "t13"."subsidy_kind",
      "t13"."service_days",
      "t13"."caregiver_cert_no",
      CAST(CAST(FLOOR((
        "t13"."pair"
      ) / (
        100
      )) AS BIGINT) AS SMALLINT) AS "home"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t10"."pair",
          "t10"."settlement_no",
          "t10"."text",
          "t10"."beneficiary_ref",
          "t10"."service_month",
          "t10"."amount_fen",
          "t10"."institution",
          "t10"."subsidy_kind",
          "t10"."service_days",
          "t10"."caregiver_cert_no"
        FROM (
          SELECT
            "t2"."pair",
            "t2"."settlement_no",
            "t2"."text",
            "t2"."beneficiary_ref",
            "t2"."service_month",
            "t2"."amount_fen",
            "t2"."institution",
            "t2"."subsidy_kind",
            "t2"."service_days",
            "t2"."caregiver_cert_no"
          FROM "first_rows" AS "t2"
        ) AS "t10"
        ANTI JOIN (
          SELECT
            "t4"."pair",
            "t4"."settlement_no",
            5 AS "rank"
          FROM "twins" AS "t4"
        ) AS "t11"
          ON "t10"."pair" = "t11"."pair" AND "t10"."settlement_no" = "t11"."settlement_no"
        ANTI JOIN "barred" AS "t6"
          ON "t10"."pair" = "t6"."pair" AND "t10"."settlement_no" = "t6"."settlement_no"
      ) AS "t12"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."text",
          "t1"."beneficiary_ref",
          "t1"."service_month",
          "t1"."amount_fen",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_days",
          "t1"."caregiver_cert_no"
        FROM "cleared" AS "t1"
        WHERE
          NOT (
            "t1"."cancelled"
          )
      ) AS "t9"
    ) AS "t13"
  ) AS "t15"
  LEFT OUTER JOIN "policies" AS "t5"
    ON "t15"."home" = "t5"."home"
    AND "t15"."subsidy_kind" = "t5"."subsidy_kind"
    AND "t15"."service_month" = "t5"."service_month"
)
SELECT DISTINCT
  *
FROM (
  SELECT
    "t20"."pair",
    "t20"."settlement_no"
  FROM (
    SELECT
      *
    FROM "t16" AS "t17"
    WHERE
      COALESCE("t17"."exclusive", FALSE)
  ) AS "t20"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t21"."pair",
        "t21"."beneficiary_ref",
        "t21"."service_month",
        SUM("t21"."value") AS "total"
      FROM (
        SELECT
          "t19"."pair",
          "t19"."beneficiary_ref",
          "t19"."service_month",
          "t19"."settlement_no",
          MAX("t19"."value") AS "value"
        FROM (
          SELECT
            "t17"."pair",
            "t17"."settlement_no",
            "t17"."text",
            "t17"."beneficiary_ref",
            "t17"."service_month",
            "t17"."amount_fen",
            "t17"."institution",
            "t17"."subsidy_kind",
            "t17"."service_days",
            "t17"."caregiver_cert_no",
            "t17"."home",
            "t17"."unit",
            "t17"."rate_fen",
            "t17"."cap_fen",
            "t17"."exclusive",
            "t17"."needs_caregiver",
            "t17"."service_days" AS "value"
          FROM "t16" AS "t17"
          WHERE
            COALESCE("t17"."exclusive", FALSE)
        ) AS "t19"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t21"
      GROUP BY
        1,
        2,
        3
    ) AS "t22"
    WHERE
      "t22"."total" > CASE
        WHEN CAST(SUBSTRING(
          "t22"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t22"."service_month") END,
          2
        ) AS BIGINT) IN (4, 6, 9, 11)
        THEN 30
        WHEN (
          CAST(SUBSTRING(
            "t22"."service_month",
            CASE WHEN (
              5 + 1
            ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t22"."service_month") END,
            2
          ) AS BIGINT) = 2
        )
        AND (
          (
            (
              (
                CAST(SUBSTRING(
                  "t22"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t22"."service_month") END,
                  4
                ) AS BIGINT) % 4
              ) = 0
            )
            AND (
              (
                CAST(SUBSTRING(
                  "t22"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t22"."service_month") END,
                  4
                ) AS BIGINT) % 100
              ) <> 0
            )
          )
          OR (
            (
              CAST(SUBSTRING(
                "t22"."service_month",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t22"."service_month") END,
                4
              ) AS BIGINT) % 400
            ) = 0
          )
        )
        THEN 29
        WHEN CAST(SUBSTRING(
          "t22"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t22"."service_month") END,
          2
        ) AS BIGINT) = 2
        THEN 28
        ELSE 31
      END
  ) AS "t24"
    ON "t20"."pair" = "t24"."pair"
    AND "t20"."beneficiary_ref" = "t24"."beneficiary_ref"
    AND "t20"."service_month" = "t24"."service_month"
) AS "t25"
;

-- step: above_cap
-- kept: yes
-- reads: barred cleared first_rows holds overlapping policies twins
-- columns: pair:int16 settlement_no:string
WITH "t10" AS (
  SELECT
    "t2"."pair",
    "t2"."settlement_no",
    "t2"."text",
    "t2"."beneficiary_ref",
    "t2"."service_month",
    "t2"."amount_fen",
    "t2"."institution",
    "t2"."subsidy_kind",
    "t2"."service_days",
    "t2"."caregiver_cert_no"
  FROM "first_rows" AS "t2"
), "t21" AS (
  SELECT
    "t16"."pair",
    "t16"."settlement_no",
    "t16"."text",
    "t16"."beneficiary_ref",
    "t16"."service_month",
    "t16"."amount_fen",
    "t16"."institution",
    "t16"."subsidy_kind",
    "t16"."service_days",
    "t16"."caregiver_cert_no"
  FROM "t10" AS "t16"
  ANTI JOIN (
    SELECT
      "t3"."pair",
      "t3"."settlement_no",
      5 AS "rank"
    FROM "twins" AS "t3"
  ) AS "t13"
    ON "t16"."pair" = "t13"."pair" AND "t16"."settlement_no" = "t13"."settlement_no"
  ANTI JOIN "barred" AS "t8"
    ON "t16"."pair" = "t8"."pair" AND "t16"."settlement_no" = "t8"."settlement_no"
  ANTI JOIN (
    SELECT
      "t9"."pair",
      "t9"."settlement_no",
      10 AS "rank"
    FROM "overlapping" AS "t9"
    SEMI JOIN "t10" AS "t17"
      ON "t9"."pair" = "t17"."pair" AND "t9"."settlement_no" = "t17"."settlement_no"
  ) AS "t20"
    ON "t16"."pair" = "t20"."pair" AND "t16"."settlement_no" = "t20"."settlement_no"
  ANTI JOIN (
    SELECT
      "t4"."pair",
      "t4"."settlement_no",
      10 AS "rank"
    FROM "holds" AS "t4"
    WHERE
      "t4"."hold_class" = 'OVERLAP'
  ) AS "t18"
    ON "t16"."pair" = "t18"."pair" AND "t16"."settlement_no" = "t18"."settlement_no"
), "t29" AS (
  SELECT
    "t27"."pair",
    "t27"."settlement_no",
    "t27"."text",
    "t27"."beneficiary_ref",
    "t27"."service_month",
    "t27"."amount_fen",
    "t27"."institution",
    "t27"."subsidy_kind",
    "t27"."service_days",
    "t27"."caregiver_cert_no",
    "t27"."home",
    "t7"."unit",
    "t7"."rate_fen",
    "t7"."cap_fen",
    "t7"."exclusive",
    "t7"."needs_caregiver"
  FROM (
    SELECT
      "t23"."pair",
      "t23"."settlement_no",
      "t23"."text",
      "t23"."beneficiary_ref",
      "t23"."service_month",
      "t23"."amount_fen",
      "t23"."institution",
      "t23"."subsidy_kind",
      "t23"."service_days",
      "t23"."caregiver_cert_no",
      CAST(CAST(FLOOR((
        "t23"."pair"
      ) / (
        100
      )) AS BIGINT) AS SMALLINT) AS "home"
    FROM (
      SELECT
        *
      FROM "t21" AS "t22"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t5"."pair",
          "t5"."settlement_no",
          "t5"."text",
          "t5"."beneficiary_ref",
          "t5"."service_month",
          "t5"."amount_fen",
          "t5"."institution",
          "t5"."subsidy_kind",
          "t5"."service_days",
          "t5"."caregiver_cert_no"
        FROM "cleared" AS "t5"
        WHERE
          NOT (
            "t5"."cancelled"
          )
      ) AS "t15"
    ) AS "t23"
  ) AS "t27"
  LEFT OUTER JOIN "policies" AS "t7"
    ON "t27"."home" = "t7"."home"
    AND "t27"."subsidy_kind" = "t7"."subsidy_kind"
    AND "t27"."service_month" = "t7"."service_month"
)
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t28"."pair",
      "t28"."settlement_no"
    FROM (
      SELECT
        "t25"."pair",
        "t25"."settlement_no",
        "t25"."text",
        "t25"."beneficiary_ref",
        "t25"."service_month",
        "t25"."amount_fen",
        "t25"."institution",
        "t25"."subsidy_kind",
        "t25"."service_days",
        "t25"."caregiver_cert_no",
        "t25"."home",
        "t7"."unit",
        "t7"."rate_fen",
        "t7"."cap_fen",
        "t7"."exclusive",
        "t7"."needs_caregiver"
      FROM (
        SELECT
          "t22"."pair",
          "t22"."settlement_no",
          "t22"."text",
          "t22"."beneficiary_ref",
          "t22"."service_month",
          "t22"."amount_fen",
          "t22"."institution",
          "t22"."subsidy_kind",
          "t22"."service_days",
          "t22"."caregiver_cert_no",
          CAST(CAST(FLOOR((
            "t22"."pair"
          ) / (
            100
          )) AS BIGINT) AS SMALLINT) AS "home"
        FROM "t21" AS "t22"
      ) AS "t25"
      LEFT OUTER JOIN "policies" AS "t7"
        ON "t25"."home" = "t7"."home"
        AND "t25"."subsidy_kind" = "t7"."subsidy_kind"
        AND "t25"."service_month" = "t7"."service_month"
    ) AS "t28"
    WHERE
      (
        "t28"."unit" IS NULL
      )
      OR (
        "t28"."amount_fen" > (
          "t28"."rate_fen" * CASE WHEN "t28"."unit" = 'MONTH' THEN 1 ELSE "t28"."service_days" END
        )
      )
  ) AS "t34"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t33"."pair",
      "t33"."settlement_no"
    FROM (
      SELECT
        *
      FROM "t29" AS "t30"
      WHERE
        "t30"."unit" IS NOT NULL
    ) AS "t33"
    SEMI JOIN (
      SELECT
        *
      FROM (
        SELECT
          "t35"."pair",
          "t35"."beneficiary_ref",
          "t35"."subsidy_kind",
          "t35"."service_month",
          "t35"."cap_fen",
          SUM("t35"."value") AS "total"
        FROM (
          SELECT
            "t32"."pair",
            "t32"."beneficiary_ref",
            "t32"."subsidy_kind",
            "t32"."service_month",
            "t32"."cap_fen",
            "t32"."settlement_no",
            MAX("t32"."value") AS "value"
          FROM (
            SELECT
              "t30"."pair",
              "t30"."settlement_no",
              "t30"."text",
              "t30"."beneficiary_ref",
              "t30"."service_month",
              "t30"."amount_fen",
              "t30"."institution",
              "t30"."subsidy_kind",
              "t30"."service_days",
              "t30"."caregiver_cert_no",
              "t30"."home",
              "t30"."unit",
              "t30"."rate_fen",
              "t30"."cap_fen",
              "t30"."exclusive",
              "t30"."needs_caregiver",
              "t30"."amount_fen" AS "value"
            FROM "t29" AS "t30"
            WHERE
              "t30"."unit" IS NOT NULL
          ) AS "t32"
          GROUP BY
            1,
            2,
            3,
            4,
            5,
            6
        ) AS "t35"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t36"
      WHERE
        "t36"."total" > "t36"."cap_fen"
    ) AS "t38"
      ON "t33"."pair" = "t38"."pair"
      AND "t33"."beneficiary_ref" = "t38"."beneficiary_ref"
      AND "t33"."subsidy_kind" = "t38"."subsidy_kind"
      AND "t33"."service_month" = "t38"."service_month"
  ) AS "t39"
) AS "t40"
;

-- step: flags
-- kept: yes
-- reads: above_cap barred first_rows holds overlapping twins
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t18"."pair",
  "t18"."settlement_no",
  MIN("t18"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t6"."pair",
        "t6"."settlement_no",
        10 AS "rank"
      FROM "overlapping" AS "t6"
      SEMI JOIN (
        SELECT
          "t5"."pair",
          "t5"."settlement_no",
          "t5"."text",
          "t5"."beneficiary_ref",
          "t5"."service_month",
          "t5"."amount_fen",
          "t5"."institution",
          "t5"."subsidy_kind",
          "t5"."service_days",
          "t5"."caregiver_cert_no"
        FROM "first_rows" AS "t5"
      ) AS "t12"
        ON "t6"."pair" = "t12"."pair" AND "t6"."settlement_no" = "t12"."settlement_no"
    ) AS "t16"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t0"."pair",
        "t0"."settlement_no",
        11 AS "rank"
      FROM "above_cap" AS "t0"
    ) AS "t7"
  ) AS "t17"
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
          "t3"."pair",
          "t3"."settlement_no",
          5 AS "rank"
        FROM "twins" AS "t3"
      ) AS "t8"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t4"."pair",
          "t4"."settlement_no",
          10 AS "rank"
        FROM "holds" AS "t4"
        WHERE
          "t4"."hold_class" = 'OVERLAP'
      ) AS "t10"
    ) AS "t13"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t4"."pair",
          "t4"."settlement_no",
          12 AS "rank"
        FROM "holds" AS "t4"
        WHERE
          "t4"."hold_class" = 'OVER_BUDGET'
      ) AS "t11"
      UNION ALL
      SELECT
        *
      FROM "barred" AS "t1"
    ) AS "t14"
  ) AS "t15"
) AS "t18"
GROUP BY
  1,
  2
;

-- step: lines
-- kept: yes
-- reads: asked cleared cleared_reversals flags judged_rows odd_numbers settlements withdrawn_rows
-- columns: pair:int16 settlement_no:string kind:int8 rank:int8 home_rows:int32 home_fen:int64 home_text:string host_rows:int32 host_fen:int64 host_text:string filed_date:date home_position:int64 host_position:int64
WITH "t21" AS (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."text",
    "t9"."beneficiary_ref",
    "t9"."service_month",
    "t9"."amount_fen",
    "t9"."filed_date",
    "t9"."position",
    "t9"."institution",
    "t9"."subsidy_kind",
    "t9"."service_days",
    "t9"."caregiver_cert_no",
    "t9"."side",
    "t9"."claim_hash",
    "t9"."copy_index",
    "t15"."fate"
  FROM "judged_rows" AS "t9"
  INNER JOIN (
    SELECT
      "t1"."pair",
      "t1"."settlement_no",
      "t1"."fate"
    FROM "odd_numbers" AS "t1"
    WHERE
      "t1"."fate" <= 0
  ) AS "t15"
    ON "t9"."pair" = "t15"."pair" AND "t9"."settlement_no" = "t15"."settlement_no"
)
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
        "t23"."pair",
        "t23"."settlement_no",
        1 AS "kind",
        4 AS "rank",
        CAST(1 AS INT) AS "home_rows",
        COALESCE("t23"."amount_fen", 0) AS "home_fen",
        "t23"."text" AS "home_text",
        CAST(0 AS INT) AS "host_rows",
        COALESCE(CAST(NULL AS BIGINT), 0) AS "host_fen",
        CAST(NULL AS TEXT) AS "host_text",
        "t23"."filed_date",
        "t23"."position" AS "home_position",
        CAST(NULL AS BIGINT) AS "host_position"
      FROM "t21" AS "t23"
      WHERE
        (
          (
            "t23"."copy_index" > 0
          ) OR (
            "t23"."fate" = -1
          )
        )
        AND "t23"."side" = 'home'
    ) AS "t27"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t23"."pair",
        "t23"."settlement_no",
        1 AS "kind",
        4 AS "rank",
        CAST(0 AS INT) AS "home_rows",
        COALESCE(CAST(NULL AS BIGINT), 0) AS "home_fen",
        CAST(NULL AS TEXT) AS "home_text",
        CAST(1 AS INT) AS "host_rows",
        COALESCE("t23"."amount_fen", 0) AS "host_fen",
        "t23"."text" AS "host_text",
        "t23"."filed_date",
        CAST(NULL AS BIGINT) AS "home_position",
        "t23"."position" AS "host_position"
      FROM "t21" AS "t23"
      WHERE
        (
          (
            "t23"."copy_index" > 0
          ) OR (
            "t23"."fate" = -1
          )
        )
        AND "t23"."side" = 'host'
    ) AS "t28"
  ) AS "t29"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t14"."pair",
      "t14"."settlement_no",
      0 AS "kind",
      1 AS "rank",
      CAST("t14"."home_rows" AS INT) AS "home_rows",
      COALESCE("t14"."home_fen", 0) AS "home_fen",
      "t14"."home_text",
      CAST("t14"."host_rows" AS INT) AS "host_rows",
      COALESCE("t14"."host_fen", 0) AS "host_fen",
      "t14"."host_text",
      "t14"."filed_date",
      CAST(NULL AS BIGINT) AS "home_position",
      CAST(NULL AS BIGINT) AS "host_position"
    FROM (
      SELECT
        "t0"."pair",
        "t0"."settlement_no",
        SUM(CAST("t0"."side" = 'home' AS INT)) AS "home_rows",
        SUM("t0"."amount_fen") FILTER(WHERE
          "t0"."side" = 'home') AS "home_fen",
        MIN("t0"."text") FILTER(WHERE
          "t0"."side" = 'home') AS "home_text",
        SUM(CAST("t0"."side" = 'host' AS INT)) AS "host_rows",
        SUM("t0"."amount_fen") FILTER(WHERE
          "t0"."side" = 'host') AS "host_fen",
        MIN("t0"."text") FILTER(WHERE
          "t0"."side" = 'host') AS "host_text",
        MIN("t0"."filed_date") AS "filed_date"
      FROM "withdrawn_rows" AS "t0"
      GROUP BY
        1,
        2
    ) AS "t14"
  ) AS "t20"
) AS "t30"
UNION ALL
SELECT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t31"."pair",
      "t31"."settlement_no",
      2 AS "kind",
      CASE WHEN "t31"."by_home" AND "t31"."by_host" THEN 18 ELSE 2 END AS "rank",
      CAST("t31"."by_home" AS INT) AS "home_rows",
      COALESCE("t31"."home_fen", 0) AS "home_fen",
      "t31"."home_text",
      CAST("t31"."by_host" AS INT) AS "host_rows",
      COALESCE("t31"."host_fen", 0) AS "host_fen",
      "t31"."host_text",
      "t31"."filed_date",
      "t31"."home_position",
      "t31"."host_position"
    FROM (
      SELECT
        "t24"."pair",
        "t24"."settlement_no",
        "t24"."text",
        "t24"."beneficiary_ref",
        "t24"."service_month",
        "t24"."amount_fen",
        "t24"."cancelled",
        "t24"."institution",
        "t24"."subsidy_kind",
        "t24"."service_days",
        "t24"."caregiver_cert_no",
        "t24"."by_home",
        "t24"."by_host",
        "t24"."filed_date",
        CASE
          WHEN "t24"."by_home"
          THEN CONCAT_WS(
            CHR(31),
            ARRAY_TO_STRING(LIST_SLICE(STR_SPLIT("t24"."text", CHR(31)), 1, 8), CHR(31)),
            CAST(-(
              "t24"."amount_fen"
            ) AS TEXT),
            LIST_EXTRACT(STR_SPLIT("t24"."text", CHR(31)), 10)
          )
          ELSE CAST(NULL AS TEXT)
        END AS "home_text",
        CASE
          WHEN "t24"."by_home"
          THEN -(
            "t24"."amount_fen"
          )
          ELSE CAST(NULL AS BIGINT)
        END AS "home_fen",
        CASE
          WHEN "t24"."by_host"
          THEN CONCAT_WS(
            CHR(31),
            ARRAY_TO_STRING(LIST_SLICE(STR_SPLIT("t24"."text", CHR(31)), 1, 8), CHR(31)),
            CAST(-(
              "t24"."amount_fen"
            ) AS TEXT),
            LIST_EXTRACT(STR_SPLIT("t24"."text", CHR(31)), 10)
          )
          ELSE CAST(NULL AS TEXT)
        END AS "host_text",
        CASE
          WHEN "t24"."by_host"
          THEN -(
            "t24"."amount_fen"
          )
          ELSE CAST(NULL AS BIGINT)
        END AS "host_fen",
        CAST(NULL AS BIGINT) AS "home_position",
        CAST(NULL AS BIGINT) AS "host_position"
      FROM (
        SELECT
          "t16"."pair",
          "t16"."settlement_no",
          "t16"."text",
          "t16"."beneficiary_ref",
          "t16"."service_month",
          "t16"."amount_fen",
          "t16"."cancelled",
          "t16"."institution",
          "t16"."subsidy_kind",
          "t16"."service_days",
          "t16"."caregiver_cert_no",
          "t19"."by_home",
          "t19"."by_host",
          "t19"."filed_date"
        FROM (
          SELECT
            *
          FROM "cleared" AS "t4"
          WHERE
            NOT (
              "t4"."cancelled"
            )
        ) AS "t16"
        INNER JOIN (
          SELECT
            "t6"."pair",
            "t6"."settlement_no",
            BOOL_OR(CAST("t6"."side" = 'home' AS BOOLEAN)) AS "by_home",
            BOOL_OR(CAST("t6"."side" = 'host' AS BOOLEAN)) AS "by_host",
            MIN("t6"."filed_date") AS "filed_date"
          FROM "cleared_reversals" AS "t6"
          GROUP BY
            1,
            2
        ) AS "t19"
          ON "t16"."pair" = "t19"."pair" AND "t16"."settlement_no" = "t19"."settlement_no"
      ) AS "t24"
    ) AS "t31"
  ) AS "t32"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t18"."pair",
        "t18"."settlement_no",
        0 AS "kind",
        CASE
          WHEN "t18"."rank" IS NOT NULL
          THEN "t18"."rank"
          WHEN (
            (
              "t18"."home_fen" IS NULL
            ) OR (
              "t18"."host_fen" IS NULL
            )
          )
          AND COALESCE("t18"."filed_date" > (
            SELECT
              *
            FROM "asked" AS "t7"
          ), FALSE)
          THEN 13
          WHEN "t18"."host_fen" IS NULL
          THEN 14
          WHEN "t18"."home_fen" IS NULL
          THEN 15
          WHEN "t18"."home_fen" <> "t18"."host_fen"
          THEN 16
          WHEN "t18"."host_text" IS NOT NULL
          THEN 17
          ELSE 18
        END AS "rank",
        CAST("t18"."home_fen" IS NOT NULL AS INT) AS "home_rows",
        COALESCE("t18"."home_fen", 0) AS "home_fen",
        "t18"."home_text",
        CAST("t18"."host_fen" IS NOT NULL AS INT) AS "host_rows",
        COALESCE("t18"."host_fen", 0) AS "host_fen",
        "t18"."host_text",
        "t18"."filed_date",
        "t18"."home_position",
        "t18"."host_position"
      FROM (
        SELECT
          "t8"."pair",
          "t8"."settlement_no",
          "t8"."home_text",
          "t8"."home_fen",
          "t8"."home_position",
          "t8"."home_hash",
          "t8"."host_text",
          "t8"."host_fen",
          "t8"."host_position",
          "t8"."host_hash",
          "t8"."filed_date",
          "t10"."rank"
        FROM "settlements" AS "t8"
        LEFT OUTER JOIN "flags" AS "t10"
          ON "t8"."pair" = "t10"."pair" AND "t8"."settlement_no" = "t10"."settlement_no"
      ) AS "t18"
    ) AS "t25"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t1"."pair",
        "t1"."settlement_no",
        0 AS "kind",
        "t1"."fate" AS "rank",
        CAST("t1"."home_rows" + CAST((
          "t1"."fate" = 3
        ) AND (
          "t1"."cleared_text" IS NOT NULL
        ) AS BIGINT) AS INT) AS "home_rows",
        COALESCE(
          COALESCE("t1"."home_fen", 0) + (
            CAST((
              "t1"."fate" = 3
            ) AND (
              "t1"."cleared_text" IS NOT NULL
            ) AS BIGINT) * COALESCE("t1"."cleared_fen", 0)
          ),
          0
        ) AS "home_fen",
        CASE
          WHEN (
            "t1"."fate" = 3
          ) AND (
            "t1"."cleared_text" IS NOT NULL
          )
          THEN CASE
            WHEN COALESCE("t1"."home_least" < "t1"."cleared_text", FALSE)
            THEN "t1"."home_least"
            ELSE "t1"."cleared_text"
          END
          ELSE "t1"."home_least"
        END AS "home_text",
        CAST("t1"."host_rows" + CAST((
          "t1"."fate" = 3
        ) AND (
          "t1"."cleared_text" IS NOT NULL
        ) AS BIGINT) AS INT) AS "host_rows",
        COALESCE(
          COALESCE("t1"."host_fen", 0) + (
            CAST((
              "t1"."fate" = 3
            ) AND (
              "t1"."cleared_text" IS NOT NULL
            ) AS BIGINT) * COALESCE("t1"."cleared_fen", 0)
          ),
          0
        ) AS "host_fen",
        CASE
          WHEN (
            "t1"."fate" = 3
          ) AND (
            "t1"."cleared_text" IS NOT NULL
          )
          THEN CASE
            WHEN COALESCE("t1"."host_least" < "t1"."cleared_text", FALSE)
            THEN "t1"."host_least"
            ELSE "t1"."cleared_text"
          END
          ELSE "t1"."host_least"
        END AS "host_text",
        "t1"."filed_date",
        CAST(NULL AS BIGINT) AS "home_position",
        CAST(NULL AS BIGINT) AS "host_position"
      FROM "odd_numbers" AS "t1"
      WHERE
        "t1"."fate" > 0
    ) AS "t22"
  ) AS "t26"
) AS "t33"
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
    CASE WHEN "t1"."home_rows" > 0 THEN "t1"."home_text" ELSE REPEAT(CHR(31), 9) END,
    CAST("t1"."host_rows" AS TEXT),
    CAST("t1"."host_fen" AS TEXT),
    CASE
      WHEN "t1"."host_rows" > 0
      THEN COALESCE("t1"."host_text", "t1"."home_text")
      ELSE REPEAT(CHR(31), 9)
    END || CHR(10)
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
    LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 4) AS "home_beneficiary_ref",
    LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 5) AS "home_institution",
    LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 6) AS "home_subsidy_kind",
    LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 7) AS "home_service_month",
    CAST(LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 8) AS BIGINT) AS "home_service_days",
    CAST(LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 9) AS BIGINT) AS "home_amount_fen",
    LIST_EXTRACT(STR_SPLIT("t0"."home_text", CHR(31)), 10) AS "home_caregiver_cert_no",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      4
    ) AS "host_beneficiary_ref",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      5
    ) AS "host_institution",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      6
    ) AS "host_subsidy_kind",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      7
    ) AS "host_service_month",
    CAST(LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      8
    ) AS BIGINT) AS "host_service_days",
    CAST(LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      9
    ) AS BIGINT) AS "host_amount_fen",
    LIST_EXTRACT(
      STR_SPLIT(
        CASE
          WHEN "t0"."host_rows" > 0
          THEN COALESCE("t0"."host_text", "t0"."home_text")
          ELSE CAST(NULL AS TEXT)
        END,
        CHR(31)
      ),
      10
    ) AS "host_caregiver_cert_no",
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
-- reads: judged_rows lines odd_numbers withdrawn_rows
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
    "t15"."side",
    "t15"."pair",
    "t15"."settlement_no",
    "t15"."position",
    1 AS "rank"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t4"."pair",
        "t4"."settlement_no",
        "t4"."text",
        "t4"."beneficiary_ref",
        "t4"."service_month",
        "t4"."amount_fen",
        "t4"."filed_date",
        "t4"."position",
        "t4"."institution",
        "t4"."subsidy_kind",
        "t4"."service_days",
        "t4"."caregiver_cert_no",
        "t4"."side",
        "t4"."claim_hash",
        "t4"."copy_index"
      FROM "judged_rows" AS "t4"
      SEMI JOIN (
        SELECT
          *
        FROM "odd_numbers" AS "t3"
        WHERE
          "t3"."fate" = 1
      ) AS "t9"
        ON "t4"."pair" = "t9"."pair" AND "t4"."settlement_no" = "t9"."settlement_no"
    ) AS "t13"
    UNION ALL
    SELECT
      *
    FROM "withdrawn_rows" AS "t0"
  ) AS "t15"
) AS "t16"
UNION ALL
SELECT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      'home' AS "side",
      "t10"."pair",
      "t10"."settlement_no",
      "t10"."home_position" AS "position",
      "t10"."rank"
    FROM "t8" AS "t10"
    WHERE
      "t10"."home_rows" > 0
  ) AS "t11"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      'host' AS "side",
      "t10"."pair",
      "t10"."settlement_no",
      "t10"."host_position" AS "position",
      "t10"."rank"
    FROM "t8" AS "t10"
    WHERE
      "t10"."host_rows" > 0
  ) AS "t12"
) AS "t14"
;

-- step: newly_cleared
-- kept: no
-- reads: lines
-- columns: pair:int16 settlement_no:string beneficiary_ref:string institution:string subsidy_kind:string service_month:string service_days:int64 amount_fen:int64 caregiver_cert_no:string home_position:int64 host_position:int64
SELECT
  "t1"."pair",
  "t1"."settlement_no",
  LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 4) AS "beneficiary_ref",
  LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 5) AS "institution",
  LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 6) AS "subsidy_kind",
  LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 7) AS "service_month",
  CAST(LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 8) AS BIGINT) AS "service_days",
  CAST(LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 9) AS BIGINT) AS "amount_fen",
  LIST_EXTRACT(STR_SPLIT("t1"."home_text", CHR(31)), 10) AS "caregiver_cert_no",
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
