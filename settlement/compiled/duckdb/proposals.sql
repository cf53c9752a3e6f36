-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

-- input: agreements pair:int16 home_division:string institution:string subsidy_kind:string service_month:string day_mask:int64
-- input: caregivers host:int16 institution:string caregiver_cert_no:string service_month:string day_mask:int64
-- input: cleared pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 cancelled:boolean institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string
-- input: enrolments pair:int16 beneficiary_ref:string home_division:string subsidy_kind:string from_day:int64 until_day:int64 standing:int64 sequence:int64
-- input: listings pair:int16 institution:string service_month:string day_mask:int64
-- input: months service_month:string first_day:int64 days:int64
-- input: policies home:int16 standing:int64 subsidy_kind:string service_month:string service_days:int64 by_use:boolean entitled_fen:int64 cap_fen:int64 exclusivity_group:string needs_caregiver:boolean

-- step: standing
-- kept: no
-- reads: cleared
-- columns: pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 cancelled:boolean institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string
SELECT
  *
FROM "cleared" AS "t0"
WHERE
  NOT (
    "t0"."cancelled"
  )
;

-- step: agreed_days
-- kept: yes
-- reads: agreements enrolments months standing
-- columns: pair:int16 beneficiary_ref:string institution:string subsidy_kind:string service_month:string day_mask:int64
WITH "t6" AS (
  SELECT DISTINCT
    "t0"."pair",
    "t0"."beneficiary_ref",
    "t0"."institution",
    "t0"."subsidy_kind",
    "t0"."service_month"
  FROM "standing" AS "t0"
), "t16" AS (
  SELECT
    *
  FROM (
    SELECT
      "t14"."pair",
      "t14"."beneficiary_ref",
      "t14"."service_month",
      "t5"."home_division",
      (
        2147483647 >> (
          31 - CASE
            WHEN CASE
              WHEN (
                (
                  "t5"."until_day" - "t4"."first_day"
                ) + 1
              ) IS NULL
              THEN (
                "t5"."until_day" - "t4"."first_day"
              ) + 1
              ELSE LEAST("t4"."days", (
                "t5"."until_day" - "t4"."first_day"
              ) + 1)
            END IS NULL
            THEN CASE
              WHEN (
                (
                  "t5"."until_day" - "t4"."first_day"
                ) + 1
              ) IS NULL
              THEN (
                "t5"."until_day" - "t4"."first_day"
              ) + 1
              ELSE LEAST("t4"."days", (
                "t5"."until_day" - "t4"."first_day"
              ) + 1)
            END
            ELSE GREATEST(
              CASE
                WHEN CASE
                  WHEN (
                    "t5"."from_day" - "t4"."first_day"
                  ) IS NULL
                  THEN "t5"."from_day" - "t4"."first_day"
                  ELSE LEAST("t4"."days", "t5"."from_day" - "t4"."first_day")
                END IS NULL
                THEN CASE
                  WHEN (
                    "t5"."from_day" - "t4"."first_day"
                  ) IS NULL
                  THEN "t5"."from_day" - "t4"."first_day"
                  ELSE LEAST("t4"."days", "t5"."from_day" - "t4"."first_day")
                END
                ELSE GREATEST(
                  0,
                  CASE
                    WHEN (
                      "t5"."from_day" - "t4"."first_day"
                    ) IS NULL
                    THEN "t5"."from_day" - "t4"."first_day"
                    ELSE LEAST("t4"."days", "t5"."from_day" - "t4"."first_day")
                  END
                )
              END,
              CASE
                WHEN (
                  (
                    "t5"."until_day" - "t4"."first_day"
                  ) + 1
                ) IS NULL
                THEN (
                  "t5"."until_day" - "t4"."first_day"
                ) + 1
                ELSE LEAST("t4"."days", (
                  "t5"."until_day" - "t4"."first_day"
                ) + 1)
              END
            )
          END
        )
      ) - (
        2147483647 >> (
          31 - CASE
            WHEN CASE
              WHEN (
                "t5"."from_day" - "t4"."first_day"
              ) IS NULL
              THEN "t5"."from_day" - "t4"."first_day"
              ELSE LEAST("t4"."days", "t5"."from_day" - "t4"."first_day")
            END IS NULL
            THEN CASE
              WHEN (
                "t5"."from_day" - "t4"."first_day"
              ) IS NULL
              THEN "t5"."from_day" - "t4"."first_day"
              ELSE LEAST("t4"."days", "t5"."from_day" - "t4"."first_day")
            END
            ELSE GREATEST(
              0,
              CASE
                WHEN (
                  "t5"."from_day" - "t4"."first_day"
                ) IS NULL
                THEN "t5"."from_day" - "t4"."first_day"
                ELSE LEAST("t4"."days", "t5"."from_day" - "t4"."first_day")
              END
            )
          END
        )
      ) AS "known_mask"
    FROM (
      SELECT DISTINCT
        "t7"."pair",
        "t7"."beneficiary_ref",
        "t7"."service_month"
      FROM "t6" AS "t7"
    ) AS "t14"
    INNER JOIN "months" AS "t4"
      ON "t14"."service_month" = "t4"."service_month"
    INNER JOIN "enrolments" AS "t5"
      ON "t14"."pair" = "t5"."pair" AND "t14"."beneficiary_ref" = "t5"."beneficiary_ref"
  ) AS "t15"
  WHERE
    "t15"."known_mask" <> 0
)
SELECT
  *
FROM (
  SELECT
    "t10"."pair",
    "t10"."beneficiary_ref",
    "t10"."institution",
    "t10"."subsidy_kind",
    "t10"."service_month",
    "t18"."known_mask" & "t11"."day_mask" AS "day_mask"
  FROM "t6" AS "t10"
  INNER JOIN "t16" AS "t18"
    ON "t10"."pair" = "t18"."pair"
    AND "t10"."beneficiary_ref" = "t18"."beneficiary_ref"
    AND "t10"."service_month" = "t18"."service_month"
  INNER JOIN (
    SELECT
      *
    FROM "agreements" AS "t1"
    WHERE
      "t1"."home_division" <> ''
  ) AS "t11"
    ON "t10"."pair" = "t11"."pair"
    AND "t18"."home_division" = "t11"."home_division"
    AND "t10"."institution" = "t11"."institution"
    AND "t10"."subsidy_kind" = "t11"."subsidy_kind"
    AND "t10"."service_month" = "t11"."service_month"
) AS "t21"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t22"."pair",
    "t22"."beneficiary_ref",
    "t22"."institution",
    "t22"."subsidy_kind",
    "t22"."service_month",
    "t22"."day_mask" - (
      "t22"."day_mask" & COALESCE("t22"."known_mask", 0)
    ) AS "day_mask"
  FROM (
    SELECT
      "t10"."pair",
      "t10"."beneficiary_ref",
      "t10"."institution",
      "t10"."subsidy_kind",
      "t10"."service_month",
      "t12"."day_mask",
      "t20"."known_mask"
    FROM "t6" AS "t10"
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
    ) AS "t12"
      ON "t10"."pair" = "t12"."pair"
      AND "t10"."institution" = "t12"."institution"
      AND "t10"."subsidy_kind" = "t12"."subsidy_kind"
      AND "t10"."service_month" = "t12"."service_month"
    LEFT OUTER JOIN (
      SELECT
        "t17"."pair",
        "t17"."beneficiary_ref",
        "t17"."service_month",
        BIT_OR("t17"."known_mask") AS "known_mask"
      FROM "t16" AS "t17"
      GROUP BY
        1,
        2,
        3
    ) AS "t20"
      ON "t10"."pair" = "t20"."pair"
      AND "t10"."beneficiary_ref" = "t20"."beneficiary_ref"
      AND "t10"."service_month" = "t20"."service_month"
  ) AS "t22"
) AS "t23"
;

-- step: enrolled
-- kept: yes
-- reads: enrolments months standing
-- columns: pair:int16 beneficiary_ref:string subsidy_kind:string service_month:string enrolled_mask:int64 standing:int64
SELECT
  "t12"."pair",
  "t12"."beneficiary_ref",
  "t12"."subsidy_kind",
  "t12"."service_month",
  "t12"."enrolled_mask",
  "t12"."choice" & 2147483647 AS "standing"
FROM (
  SELECT
    "t11"."pair",
    "t11"."beneficiary_ref",
    "t11"."subsidy_kind",
    "t11"."service_month",
    BIT_OR("t11"."day_mask") AS "enrolled_mask",
    MAX("t11"."choice") AS "choice"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t9"."pair",
        "t9"."beneficiary_ref",
        "t9"."subsidy_kind",
        "t9"."service_month",
        (
          2147483647 >> (
            31 - CASE
              WHEN CASE
                WHEN (
                  (
                    "t4"."until_day" - "t3"."first_day"
                  ) + 1
                ) IS NULL
                THEN (
                  "t4"."until_day" - "t3"."first_day"
                ) + 1
                ELSE LEAST("t3"."days", (
                  "t4"."until_day" - "t3"."first_day"
                ) + 1)
              END IS NULL
              THEN CASE
                WHEN (
                  (
                    "t4"."until_day" - "t3"."first_day"
                  ) + 1
                ) IS NULL
                THEN (
                  "t4"."until_day" - "t3"."first_day"
                ) + 1
                ELSE LEAST("t3"."days", (
                  "t4"."until_day" - "t3"."first_day"
                ) + 1)
              END
              ELSE GREATEST(
                CASE
                  WHEN CASE
                    WHEN (
                      "t4"."from_day" - "t3"."first_day"
                    ) IS NULL
                    THEN "t4"."from_day" - "t3"."first_day"
                    ELSE LEAST("t3"."days", "t4"."from_day" - "t3"."first_day")
                  END IS NULL
                  THEN CASE
                    WHEN (
                      "t4"."from_day" - "t3"."first_day"
                    ) IS NULL
                    THEN "t4"."from_day" - "t3"."first_day"
                    ELSE LEAST("t3"."days", "t4"."from_day" - "t3"."first_day")
                  END
                  ELSE GREATEST(
                    0,
                    CASE
                      WHEN (
                        "t4"."from_day" - "t3"."first_day"
                      ) IS NULL
                      THEN "t4"."from_day" - "t3"."first_day"
                      ELSE LEAST("t3"."days", "t4"."from_day" - "t3"."first_day")
                    END
                  )
                END,
                CASE
                  WHEN (
                    (
                      "t4"."until_day" - "t3"."first_day"
                    ) + 1
                  ) IS NULL
                  THEN (
                    "t4"."until_day" - "t3"."first_day"
                  ) + 1
                  ELSE LEAST("t3"."days", (
                    "t4"."until_day" - "t3"."first_day"
                  ) + 1)
                END
              )
            END
          )
        ) - (
          2147483647 >> (
            31 - CASE
              WHEN CASE
                WHEN (
                  "t4"."from_day" - "t3"."first_day"
                ) IS NULL
                THEN "t4"."from_day" - "t3"."first_day"
                ELSE LEAST("t3"."days", "t4"."from_day" - "t3"."first_day")
              END IS NULL
              THEN CASE
                WHEN (
                  "t4"."from_day" - "t3"."first_day"
                ) IS NULL
                THEN "t4"."from_day" - "t3"."first_day"
                ELSE LEAST("t3"."days", "t4"."from_day" - "t3"."first_day")
              END
              ELSE GREATEST(
                0,
                CASE
                  WHEN (
                    "t4"."from_day" - "t3"."first_day"
                  ) IS NULL
                  THEN "t4"."from_day" - "t3"."first_day"
                  ELSE LEAST("t3"."days", "t4"."from_day" - "t3"."first_day")
                END
              )
            END
          )
        ) AS "day_mask",
        (
          (
            (
              CASE
                WHEN "t4"."from_day" <= "t3"."first_day"
                THEN "t4"."from_day"
                ELSE -(
                  "t4"."from_day"
                )
              END * 4096
            ) + "t4"."sequence"
          ) * 2147483648
        ) + "t4"."standing" AS "choice"
      FROM (
        SELECT DISTINCT
          "t7"."pair",
          "t7"."beneficiary_ref",
          "t7"."subsidy_kind",
          "t7"."service_month"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t2"."pair",
              "t2"."settlement_no",
              "t2"."beneficiary_ref",
              "t2"."service_month",
              "t2"."amount_fen",
              "t2"."institution",
              "t2"."subsidy_kind",
              "t2"."service_days",
              "t2"."caregiver_cert_no"
            FROM "standing" AS "t2"
          ) AS "t5"
          UNION ALL
          SELECT
            *
          FROM (
            SELECT
              "t2"."pair",
              "t2"."settlement_no",
              "t2"."beneficiary_ref",
              "t2"."service_month",
              "t2"."amount_fen",
              "t2"."institution",
              "t2"."subsidy_kind",
              "t2"."service_days",
              "t2"."caregiver_cert_no"
            FROM "standing" AS "t2"
            WHERE
              FALSE
          ) AS "t6"
        ) AS "t7"
      ) AS "t9"
      INNER JOIN "months" AS "t3"
        ON "t9"."service_month" = "t3"."service_month"
      INNER JOIN "enrolments" AS "t4"
        ON "t9"."pair" = "t4"."pair"
        AND "t9"."beneficiary_ref" = "t4"."beneficiary_ref"
        AND "t9"."subsidy_kind" = "t4"."subsidy_kind"
    ) AS "t10"
    WHERE
      "t10"."day_mask" <> 0
  ) AS "t11"
  GROUP BY
    1,
    2,
    3,
    4
) AS "t12"
;

-- step: priced_rows
-- kept: yes
-- reads: enrolled policies standing
-- columns: pair:int16 settlement_no:string beneficiary_ref:string service_month:string amount_fen:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string enrolled_mask:int64 by_use:boolean entitled_fen:int64 cap_fen:int64 exclusivity_group:string needs_caregiver:boolean
SELECT
  "t10"."pair",
  "t10"."settlement_no",
  "t10"."beneficiary_ref",
  "t10"."service_month",
  "t10"."amount_fen",
  "t10"."institution",
  "t10"."subsidy_kind",
  "t10"."service_days",
  "t10"."caregiver_cert_no",
  "t10"."enrolled_mask",
  "t10"."by_use",
  "t10"."entitled_fen",
  "t10"."cap_fen",
  "t10"."exclusivity_group",
  "t10"."needs_caregiver"
FROM (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."beneficiary_ref",
    "t9"."service_month",
    "t9"."amount_fen",
    "t9"."institution",
    "t9"."subsidy_kind",
    "t9"."service_days",
    "t9"."caregiver_cert_no",
    "t9"."enrolled_mask",
    "t9"."standing",
    "t9"."home",
    "t3"."by_use",
    "t3"."entitled_fen",
    "t3"."cap_fen",
    "t3"."exclusivity_group",
    "t3"."needs_caregiver"
  FROM (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      "t7"."beneficiary_ref",
      "t7"."service_month",
      "t7"."amount_fen",
      "t7"."institution",
      "t7"."subsidy_kind",
      "t7"."service_days",
      "t7"."caregiver_cert_no",
      COALESCE("t7"."enrolled_mask", 0) AS "enrolled_mask",
      COALESCE("t7"."standing", 0) AS "standing",
      CAST(CAST(FLOOR((
        "t7"."pair"
      ) / (
        100
      )) AS BIGINT) AS SMALLINT) AS "home"
    FROM (
      SELECT
        "t6"."pair",
        "t6"."settlement_no",
        "t6"."beneficiary_ref",
        "t6"."service_month",
        "t6"."amount_fen",
        "t6"."institution",
        "t6"."subsidy_kind",
        "t6"."service_days",
        "t6"."caregiver_cert_no",
        "t4"."enrolled_mask",
        "t4"."standing"
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."beneficiary_ref",
          "t1"."service_month",
          "t1"."amount_fen",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_days",
          "t1"."caregiver_cert_no"
        FROM "standing" AS "t1"
      ) AS "t6"
      LEFT OUTER JOIN "enrolled" AS "t4"
        ON "t6"."pair" = "t4"."pair"
        AND "t6"."beneficiary_ref" = "t4"."beneficiary_ref"
        AND "t6"."subsidy_kind" = "t4"."subsidy_kind"
        AND "t6"."service_month" = "t4"."service_month"
    ) AS "t7"
  ) AS "t9"
  LEFT OUTER JOIN "policies" AS "t3"
    ON "t9"."home" = "t3"."home"
    AND "t9"."standing" = "t3"."standing"
    AND "t9"."subsidy_kind" = "t3"."subsidy_kind"
    AND "t9"."service_month" = "t3"."service_month"
    AND "t9"."service_days" = "t3"."service_days"
) AS "t10"
;

-- step: priced_counted
-- kept: no
-- reads: enrolled policies standing
-- columns: pair:int16 settlement_no:string beneficiary_ref:string service_month:string amount_fen:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string enrolled_mask:int64 by_use:boolean entitled_fen:int64 cap_fen:int64 exclusivity_group:string needs_caregiver:boolean
SELECT
  "t10"."pair",
  "t10"."settlement_no",
  "t10"."beneficiary_ref",
  "t10"."service_month",
  "t10"."amount_fen",
  "t10"."institution",
  "t10"."subsidy_kind",
  "t10"."service_days",
  "t10"."caregiver_cert_no",
  "t10"."enrolled_mask",
  "t10"."by_use",
  "t10"."entitled_fen",
  "t10"."cap_fen",
  "t10"."exclusivity_group",
  "t10"."needs_caregiver"
FROM (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."beneficiary_ref",
    "t9"."service_month",
    "t9"."amount_fen",
    "t9"."institution",
    "t9"."subsidy_kind",
    "t9"."service_days",
    "t9"."caregiver_cert_no",
    "t9"."enrolled_mask",
    "t9"."standing",
    "t9"."home",
    "t3"."by_use",
    "t3"."entitled_fen",
    "t3"."cap_fen",
    "t3"."exclusivity_group",
    "t3"."needs_caregiver"
  FROM (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      "t7"."beneficiary_ref",
      "t7"."service_month",
      "t7"."amount_fen",
      "t7"."institution",
      "t7"."subsidy_kind",
      "t7"."service_days",
      "t7"."caregiver_cert_no",
      COALESCE("t7"."enrolled_mask", 0) AS "enrolled_mask",
      COALESCE("t7"."standing", 0) AS "standing",
      CAST(CAST(FLOOR((
        "t7"."pair"
      ) / (
        100
      )) AS BIGINT) AS SMALLINT) AS "home"
    FROM (
      SELECT
        "t6"."pair",
        "t6"."settlement_no",
        "t6"."beneficiary_ref",
        "t6"."service_month",
        "t6"."amount_fen",
        "t6"."institution",
        "t6"."subsidy_kind",
        "t6"."service_days",
        "t6"."caregiver_cert_no",
        "t4"."enrolled_mask",
        "t4"."standing"
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."beneficiary_ref",
          "t1"."service_month",
          "t1"."amount_fen",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_days",
          "t1"."caregiver_cert_no"
        FROM "standing" AS "t1"
        WHERE
          FALSE
      ) AS "t6"
      LEFT OUTER JOIN "enrolled" AS "t4"
        ON "t6"."pair" = "t4"."pair"
        AND "t6"."beneficiary_ref" = "t4"."beneficiary_ref"
        AND "t6"."subsidy_kind" = "t4"."subsidy_kind"
        AND "t6"."service_month" = "t4"."service_month"
    ) AS "t7"
  ) AS "t9"
  LEFT OUTER JOIN "policies" AS "t3"
    ON "t9"."home" = "t3"."home"
    AND "t9"."standing" = "t3"."standing"
    AND "t9"."subsidy_kind" = "t3"."subsidy_kind"
    AND "t9"."service_month" = "t3"."service_month"
    AND "t9"."service_days" = "t3"."service_days"
) AS "t10"
;

-- step: barred
-- kept: yes
-- reads: agreed_days caregivers listings priced_rows
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t14"."pair",
  "t14"."settlement_no",
  MIN("t14"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t12"."pair",
      "t12"."settlement_no",
      CASE
        WHEN NOT (
          BIT_COUNT(COALESCE("t12"."agreed_mask", 0)) >= "t12"."needed_days"
        )
        THEN 6
        WHEN NOT (
          BIT_COUNT(COALESCE("t12"."listed_mask", 0)) >= "t12"."needed_days"
        )
        THEN 7
        WHEN NOT (
          BIT_COUNT(COALESCE("t12"."enrolled_mask", 0)) >= "t12"."needed_days"
        )
        THEN 8
        WHEN NOT (
          CASE
            WHEN "t12"."caregiver_cert_no" <> ''
            THEN BIT_COUNT(COALESCE("t12"."certified_mask", 0)) >= "t12"."needed_days"
            ELSE NOT (
              COALESCE("t12"."needs_caregiver", FALSE)
            )
          END
        )
        THEN 9
        ELSE 0
      END AS "rank"
    FROM (
      SELECT
        "t11"."pair",
        "t11"."settlement_no",
        "t11"."beneficiary_ref",
        "t11"."service_month",
        "t11"."amount_fen",
        "t11"."institution",
        "t11"."subsidy_kind",
        "t11"."service_days",
        "t11"."caregiver_cert_no",
        "t11"."enrolled_mask",
        "t11"."by_use",
        "t11"."entitled_fen",
        "t11"."cap_fen",
        "t11"."exclusivity_group",
        "t11"."needs_caregiver",
        "t11"."needed_days",
        "t11"."host",
        "t8"."agreed_mask",
        "t9"."listed_mask",
        "t10"."certified_mask"
      FROM (
        SELECT
          "t0"."pair",
          "t0"."settlement_no",
          "t0"."beneficiary_ref",
          "t0"."service_month",
          "t0"."amount_fen",
          "t0"."institution",
          "t0"."subsidy_kind",
          "t0"."service_days",
          "t0"."caregiver_cert_no",
          "t0"."enrolled_mask",
          "t0"."by_use",
          "t0"."entitled_fen",
          "t0"."cap_fen",
          "t0"."exclusivity_group",
          "t0"."needs_caregiver",
          CASE WHEN COALESCE("t0"."by_use", FALSE) THEN 1 ELSE "t0"."service_days" END AS "needed_days",
          "t0"."pair" % 100 AS "host"
        FROM "priced_rows" AS "t0"
      ) AS "t11"
      LEFT OUTER JOIN (
        SELECT
          "t1"."pair",
          "t1"."beneficiary_ref",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_month",
          BIT_OR("t1"."day_mask") AS "agreed_mask"
        FROM "agreed_days" AS "t1"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t8"
        ON "t11"."pair" = "t8"."pair"
        AND "t11"."beneficiary_ref" = "t8"."beneficiary_ref"
        AND "t11"."institution" = "t8"."institution"
        AND "t11"."subsidy_kind" = "t8"."subsidy_kind"
        AND "t11"."service_month" = "t8"."service_month"
      LEFT OUTER JOIN (
        SELECT
          "t2"."pair",
          "t2"."institution",
          "t2"."service_month",
          BIT_OR("t2"."day_mask") AS "listed_mask"
        FROM "listings" AS "t2"
        GROUP BY
          1,
          2,
          3
      ) AS "t9"
        ON "t11"."pair" = "t9"."pair"
        AND "t11"."institution" = "t9"."institution"
        AND "t11"."service_month" = "t9"."service_month"
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
      ) AS "t10"
        ON "t11"."host" = "t10"."host"
        AND "t11"."institution" = "t10"."institution"
        AND "t11"."caregiver_cert_no" = "t10"."caregiver_cert_no"
        AND "t11"."service_month" = "t10"."service_month"
    ) AS "t12"
  ) AS "t13"
  WHERE
    "t13"."rank" > 0
) AS "t14"
GROUP BY
  1,
  2
;

-- step: overlapping
-- kept: yes
-- reads: barred months priced_counted priced_rows
-- columns: pair:int16 settlement_no:string
WITH "t9" AS (
  SELECT
    *
  FROM (
    SELECT
      "t4"."pair",
      "t4"."settlement_no",
      "t4"."beneficiary_ref",
      "t4"."service_month",
      "t4"."amount_fen",
      "t4"."institution",
      "t4"."subsidy_kind",
      "t4"."service_days",
      "t4"."caregiver_cert_no",
      "t4"."enrolled_mask",
      "t4"."by_use",
      "t4"."entitled_fen",
      "t4"."cap_fen",
      "t4"."exclusivity_group",
      "t4"."needs_caregiver"
    FROM "priced_rows" AS "t4"
    ANTI JOIN "barred" AS "t5"
      ON "t4"."pair" = "t5"."pair" AND "t4"."settlement_no" = "t5"."settlement_no"
  ) AS "t8"
  UNION ALL
  SELECT
    *
  FROM "priced_counted" AS "t0"
), "t12" AS (
  SELECT
    "t10"."pair",
    "t10"."settlement_no",
    "t10"."beneficiary_ref",
    "t10"."service_month",
    "t10"."amount_fen",
    "t10"."institution",
    "t10"."subsidy_kind",
    "t10"."service_days",
    "t10"."caregiver_cert_no",
    "t10"."enrolled_mask",
    "t10"."by_use",
    "t10"."entitled_fen",
    "t10"."cap_fen",
    "t10"."exclusivity_group",
    "t10"."needs_caregiver",
    "t10"."service_days" AS "value"
  FROM "t9" AS "t10"
  WHERE
    COALESCE("t10"."exclusivity_group", '') <> ''
)
SELECT DISTINCT
  *
FROM (
  SELECT
    "t13"."pair",
    "t13"."settlement_no"
  FROM (
    SELECT
      *
    FROM "t9" AS "t10"
    WHERE
      COALESCE("t10"."exclusivity_group", '') <> ''
  ) AS "t13"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t24"."pair",
        "t24"."beneficiary_ref",
        "t24"."service_month",
        "t24"."exclusivity_group",
        "t24"."total",
        "t7"."limit"
      FROM (
        SELECT
          "t22"."pair",
          "t22"."beneficiary_ref",
          "t22"."service_month",
          "t22"."exclusivity_group",
          SUM("t22"."value") AS "total"
        FROM (
          SELECT
            "t21"."pair",
            "t21"."beneficiary_ref",
            "t21"."service_month",
            "t21"."exclusivity_group",
            "t21"."settlement_no",
            MAX("t21"."value") AS "value"
          FROM (
            SELECT
              "t15"."pair",
              "t15"."settlement_no",
              "t15"."beneficiary_ref",
              "t15"."service_month",
              "t15"."amount_fen",
              "t15"."institution",
              "t15"."subsidy_kind",
              "t15"."service_days",
              "t15"."caregiver_cert_no",
              "t15"."enrolled_mask",
              "t15"."by_use",
              "t15"."entitled_fen",
              "t15"."cap_fen",
              "t15"."exclusivity_group",
              "t15"."needs_caregiver",
              "t15"."value"
            FROM "t12" AS "t15"
            SEMI JOIN (
              SELECT
                *
              FROM (
                SELECT
                  "t17"."pair",
                  "t17"."beneficiary_ref",
                  "t17"."service_month",
                  "t17"."exclusivity_group",
                  "t17"."total",
                  "t7"."limit"
                FROM (
                  SELECT
                    "t14"."pair",
                    "t14"."beneficiary_ref",
                    "t14"."service_month",
                    "t14"."exclusivity_group",
                    SUM("t14"."value") AS "total"
                  FROM "t12" AS "t14"
                  GROUP BY
                    1,
                    2,
                    3,
                    4
                ) AS "t17"
                INNER JOIN (
                  SELECT
                    "t3"."service_month",
                    "t3"."days" AS "limit"
                  FROM "months" AS "t3"
                ) AS "t7"
                  ON "t17"."service_month" = "t7"."service_month"
              ) AS "t18"
              WHERE
                "t18"."total" > "t18"."limit"
            ) AS "t20"
              ON "t15"."pair" = "t20"."pair"
              AND "t15"."beneficiary_ref" = "t20"."beneficiary_ref"
              AND "t15"."service_month" = "t20"."service_month"
              AND "t15"."exclusivity_group" = "t20"."exclusivity_group"
          ) AS "t21"
          GROUP BY
            1,
            2,
            3,
            4,
            5
        ) AS "t22"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t24"
      INNER JOIN (
        SELECT
          "t3"."service_month",
          "t3"."days" AS "limit"
        FROM "months" AS "t3"
      ) AS "t7"
        ON "t24"."service_month" = "t7"."service_month"
    ) AS "t25"
    WHERE
      "t25"."total" > "t25"."limit"
  ) AS "t27"
    ON "t13"."pair" = "t27"."pair"
    AND "t13"."beneficiary_ref" = "t27"."beneficiary_ref"
    AND "t13"."service_month" = "t27"."service_month"
    AND "t13"."exclusivity_group" = "t27"."exclusivity_group"
) AS "t28"
;

-- step: above_cap
-- kept: yes
-- reads: barred overlapping priced_counted priced_rows
-- columns: pair:int16 settlement_no:string
WITH "t10" AS (
  SELECT
    "t4"."pair",
    "t4"."settlement_no",
    "t4"."beneficiary_ref",
    "t4"."service_month",
    "t4"."amount_fen",
    "t4"."institution",
    "t4"."subsidy_kind",
    "t4"."service_days",
    "t4"."caregiver_cert_no",
    "t4"."enrolled_mask",
    "t4"."by_use",
    "t4"."entitled_fen",
    "t4"."cap_fen",
    "t4"."exclusivity_group",
    "t4"."needs_caregiver"
  FROM "priced_rows" AS "t4"
  ANTI JOIN "barred" AS "t6"
    ON "t4"."pair" = "t6"."pair" AND "t4"."settlement_no" = "t6"."settlement_no"
  ANTI JOIN (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      10 AS "rank"
    FROM "overlapping" AS "t7"
    SEMI JOIN "priced_rows" AS "t5"
      ON "t7"."pair" = "t5"."pair" AND "t7"."settlement_no" = "t5"."settlement_no"
  ) AS "t9"
    ON "t4"."pair" = "t9"."pair" AND "t4"."settlement_no" = "t9"."settlement_no"
), "t12" AS (
  SELECT
    *
  FROM "t10" AS "t11"
  UNION ALL
  SELECT
    *
  FROM "priced_counted" AS "t2"
), "t17" AS (
  SELECT
    "t13"."pair",
    "t13"."settlement_no",
    "t13"."beneficiary_ref",
    "t13"."service_month",
    "t13"."amount_fen",
    "t13"."institution",
    "t13"."subsidy_kind",
    "t13"."service_days",
    "t13"."caregiver_cert_no",
    "t13"."enrolled_mask",
    "t13"."by_use",
    "t13"."entitled_fen",
    "t13"."cap_fen",
    "t13"."exclusivity_group",
    "t13"."needs_caregiver",
    "t13"."amount_fen" AS "value"
  FROM "t12" AS "t13"
  WHERE
    "t13"."cap_fen" IS NOT NULL
)
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t11"."pair",
      "t11"."settlement_no"
    FROM "t10" AS "t11"
    WHERE
      (
        "t11"."entitled_fen" IS NULL
      )
      OR (
        "t11"."amount_fen" > "t11"."entitled_fen"
      )
  ) AS "t14"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t18"."pair",
      "t18"."settlement_no"
    FROM (
      SELECT
        *
      FROM "t12" AS "t13"
      WHERE
        "t13"."cap_fen" IS NOT NULL
    ) AS "t18"
    SEMI JOIN (
      SELECT
        *
      FROM (
        SELECT
          "t30"."pair",
          "t30"."beneficiary_ref",
          "t30"."subsidy_kind",
          "t30"."service_month",
          "t30"."cap_fen",
          "t30"."total",
          "t19"."limit"
        FROM (
          SELECT
            "t28"."pair",
            "t28"."beneficiary_ref",
            "t28"."subsidy_kind",
            "t28"."service_month",
            "t28"."cap_fen",
            SUM("t28"."value") AS "total"
          FROM (
            SELECT
              "t27"."pair",
              "t27"."beneficiary_ref",
              "t27"."subsidy_kind",
              "t27"."service_month",
              "t27"."cap_fen",
              "t27"."settlement_no",
              MAX("t27"."value") AS "value"
            FROM (
              SELECT
                "t21"."pair",
                "t21"."settlement_no",
                "t21"."beneficiary_ref",
                "t21"."service_month",
                "t21"."amount_fen",
                "t21"."institution",
                "t21"."subsidy_kind",
                "t21"."service_days",
                "t21"."caregiver_cert_no",
                "t21"."enrolled_mask",
                "t21"."by_use",
                "t21"."entitled_fen",
                "t21"."cap_fen",
                "t21"."exclusivity_group",
                "t21"."needs_caregiver",
                "t21"."value"
              FROM "t17" AS "t21"
              SEMI JOIN (
                SELECT
                  *
                FROM (
                  SELECT
                    "t23"."pair",
                    "t23"."beneficiary_ref",
                    "t23"."subsidy_kind",
                    "t23"."service_month",
                    "t23"."cap_fen",
                    "t23"."total",
                    "t19"."limit"
                  FROM (
                    SELECT
                      "t20"."pair",
                      "t20"."beneficiary_ref",
                      "t20"."subsidy_kind",
                      "t20"."service_month",
                      "t20"."cap_fen",
                      SUM("t20"."value") AS "total"
                    FROM "t17" AS "t20"
                    GROUP BY
                      1,
                      2,
                      3,
                      4,
                      5
                  ) AS "t23"
                  INNER JOIN (
                    SELECT DISTINCT
                      "t13"."cap_fen",
                      "t13"."cap_fen" AS "limit"
                    FROM "t12" AS "t13"
                    WHERE
                      "t13"."cap_fen" IS NOT NULL
                  ) AS "t19"
                    ON "t23"."cap_fen" = "t19"."cap_fen"
                ) AS "t24"
                WHERE
                  "t24"."total" > "t24"."limit"
              ) AS "t26"
                ON "t21"."pair" = "t26"."pair"
                AND "t21"."beneficiary_ref" = "t26"."beneficiary_ref"
                AND "t21"."subsidy_kind" = "t26"."subsidy_kind"
                AND "t21"."service_month" = "t26"."service_month"
                AND "t21"."cap_fen" = "t26"."cap_fen"
            ) AS "t27"
            GROUP BY
              1,
              2,
              3,
              4,
              5,
              6
          ) AS "t28"
          GROUP BY
            1,
            2,
            3,
            4,
            5
        ) AS "t30"
        INNER JOIN (
          SELECT DISTINCT
            "t13"."cap_fen",
            "t13"."cap_fen" AS "limit"
          FROM "t12" AS "t13"
          WHERE
            "t13"."cap_fen" IS NOT NULL
        ) AS "t19"
          ON "t30"."cap_fen" = "t19"."cap_fen"
      ) AS "t31"
      WHERE
        "t31"."total" > "t31"."limit"
    ) AS "t33"
      ON "t18"."pair" = "t33"."pair"
      AND "t18"."beneficiary_ref" = "t33"."beneficiary_ref"
      AND "t18"."subsidy_kind" = "t33"."subsidy_kind"
      AND "t18"."service_month" = "t33"."service_month"
      AND "t18"."cap_fen" = "t33"."cap_fen"
  ) AS "t34"
) AS "t35"
;

-- step: proposals
-- kept: no
-- reads: above_cap barred overlapping priced_rows
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t9"."pair",
  "t9"."settlement_no",
  MIN("t9"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t0"."pair",
      "t0"."settlement_no",
      11 AS "rank"
    FROM "above_cap" AS "t0"
  ) AS "t6"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM "barred" AS "t1"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t4"."pair",
        "t4"."settlement_no",
        10 AS "rank"
      FROM "overlapping" AS "t4"
      SEMI JOIN "priced_rows" AS "t5"
        ON "t4"."pair" = "t5"."pair" AND "t4"."settlement_no" = "t5"."settlement_no"
    ) AS "t7"
  ) AS "t8"
) AS "t9"
GROUP BY
  1,
  2
;
