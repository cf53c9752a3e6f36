-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

-- step: standing
-- kept: no
-- reads: cleared
-- columns: pair:int16 settlement_no:string beneficiary_ref:string institution:string subsidy_kind:string service_month:string service_days:int64 amount_fen:int64 caregiver_cert_no:string cancelled:boolean
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
-- reads: agreements enrolments standing
-- columns: pair:int16 beneficiary_ref:string institution:string subsidy_kind:string service_month:string day_mask:int64
WITH "t4" AS (
  SELECT DISTINCT
    "t0"."pair",
    "t0"."beneficiary_ref",
    "t0"."institution",
    "t0"."subsidy_kind",
    "t0"."service_month"
  FROM "standing" AS "t0"
), "t15" AS (
  SELECT
    *
  FROM (
    SELECT
      "t13"."pair",
      "t13"."beneficiary_ref",
      "t13"."service_month",
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
            ) > "t13"."service_month"
          )
          THEN CASE
            WHEN CAST(SUBSTRING(
              "t13"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t13"."service_month") END,
              2
            ) AS BIGINT) IN (4, 6, 9, 11)
            THEN 30
            WHEN (
              CAST(SUBSTRING(
                "t13"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t13"."service_month") END,
                2
              ) AS BIGINT) = 2
            )
            AND (
              (
                (
                  (
                    CAST(SUBSTRING(
                      "t13"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t13"."service_month") END,
                      4
                    ) AS BIGINT) % 4
                  ) = 0
                )
                AND (
                  (
                    CAST(SUBSTRING(
                      "t13"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t13"."service_month") END,
                      4
                    ) AS BIGINT) % 100
                  ) <> 0
                )
              )
              OR (
                (
                  CAST(SUBSTRING(
                    "t13"."service_month",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t13"."service_month") END,
                    4
                  ) AS BIGINT) % 400
                ) = 0
              )
            )
            THEN 29
            WHEN CAST(SUBSTRING(
              "t13"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t13"."service_month") END,
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
          ) = "t13"."service_month"
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
          ) < "t13"."service_month"
          THEN 1
          WHEN SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
            7
          ) = "t13"."service_month"
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
              ) > "t13"."service_month"
            )
            THEN CASE
              WHEN CAST(SUBSTRING(
                "t13"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t13"."service_month") END,
                2
              ) AS BIGINT) IN (4, 6, 9, 11)
              THEN 30
              WHEN (
                CAST(SUBSTRING(
                  "t13"."service_month",
                  CASE WHEN (
                    5 + 1
                  ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t13"."service_month") END,
                  2
                ) AS BIGINT) = 2
              )
              AND (
                (
                  (
                    (
                      CAST(SUBSTRING(
                        "t13"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t13"."service_month") END,
                        4
                      ) AS BIGINT) % 4
                    ) = 0
                  )
                  AND (
                    (
                      CAST(SUBSTRING(
                        "t13"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t13"."service_month") END,
                        4
                      ) AS BIGINT) % 100
                    ) <> 0
                  )
                )
                OR (
                  (
                    CAST(SUBSTRING(
                      "t13"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t13"."service_month") END,
                      4
                    ) AS BIGINT) % 400
                  ) = 0
                )
              )
              THEN 29
              WHEN CAST(SUBSTRING(
                "t13"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t13"."service_month") END,
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
            ) = "t13"."service_month"
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
              ) < "t13"."service_month"
              THEN 1
              WHEN SUBSTRING(
                "t3"."from_date",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
                7
              ) = "t13"."service_month"
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
    ) AS "t13"
    INNER JOIN "enrolments" AS "t3"
      ON "t13"."pair" = "t3"."pair" AND "t13"."beneficiary_ref" = "t3"."beneficiary_ref"
  ) AS "t14"
  WHERE
    "t14"."known_mask" <> 0
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
    "t17"."known_mask" & "t9"."day_mask" AS "day_mask"
  FROM "t4" AS "t8"
  INNER JOIN "t15" AS "t17"
    ON "t8"."pair" = "t17"."pair"
    AND "t8"."beneficiary_ref" = "t17"."beneficiary_ref"
    AND "t8"."service_month" = "t17"."service_month"
  INNER JOIN (
    SELECT
      *
    FROM "agreements" AS "t1"
    WHERE
      "t1"."home_division" <> ''
  ) AS "t9"
    ON "t8"."pair" = "t9"."pair"
    AND "t17"."home_division" = "t9"."home_division"
    AND "t8"."institution" = "t9"."institution"
    AND "t8"."subsidy_kind" = "t9"."subsidy_kind"
    AND "t8"."service_month" = "t9"."service_month"
) AS "t20"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t21"."pair",
    "t21"."beneficiary_ref",
    "t21"."institution",
    "t21"."subsidy_kind",
    "t21"."service_month",
    "t21"."day_mask" - (
      "t21"."day_mask" & COALESCE("t21"."known_mask", 0)
    ) AS "day_mask"
  FROM (
    SELECT
      "t8"."pair",
      "t8"."beneficiary_ref",
      "t8"."institution",
      "t8"."subsidy_kind",
      "t8"."service_month",
      "t12"."day_mask",
      "t19"."pair" AS "pair_right",
      "t19"."beneficiary_ref" AS "beneficiary_ref_right",
      "t19"."service_month" AS "service_month_right",
      "t19"."known_mask"
    FROM "t4" AS "t8"
    INNER JOIN (
      SELECT
        "t7".*
        EXCLUDE ("home_division")
      FROM (
        SELECT
          *
        FROM "agreements" AS "t1"
        WHERE
          "t1"."home_division" = ''
      ) AS "t7"
    ) AS "t12"
      ON "t8"."pair" = "t12"."pair"
      AND "t8"."institution" = "t12"."institution"
      AND "t8"."subsidy_kind" = "t12"."subsidy_kind"
      AND "t8"."service_month" = "t12"."service_month"
    LEFT OUTER JOIN (
      SELECT
        "t16"."pair",
        "t16"."beneficiary_ref",
        "t16"."service_month",
        BIT_OR("t16"."known_mask") AS "known_mask"
      FROM "t15" AS "t16"
      GROUP BY
        1,
        2,
        3
    ) AS "t19"
      ON "t8"."pair" = "t19"."pair"
      AND "t8"."beneficiary_ref" = "t19"."beneficiary_ref"
      AND "t8"."service_month" = "t19"."service_month"
  ) AS "t21"
) AS "t22"
;

-- step: enrolled_days
-- kept: yes
-- reads: enrolments standing
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
  FROM "standing" AS "t0"
) AS "t4"
INNER JOIN "enrolments" AS "t2"
  ON "t4"."pair" = "t2"."pair"
  AND "t4"."beneficiary_ref" = "t2"."beneficiary_ref"
  AND "t4"."subsidy_kind" = "t2"."subsidy_kind"
;

-- step: barred
-- kept: yes
-- reads: agreed_days caregivers enrolled_days listings policies standing
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t33"."pair",
  "t33"."settlement_no",
  MIN("t33"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t31"."pair",
      "t31"."settlement_no",
      CASE
        WHEN NOT (
          BIT_COUNT(COALESCE("t31"."agreed_mask", 0)) >= "t31"."needed_days"
        )
        THEN 6
        WHEN NOT (
          BIT_COUNT(COALESCE("t31"."listed_mask", 0)) >= "t31"."needed_days"
        )
        THEN 7
        WHEN NOT (
          BIT_COUNT(COALESCE("t31"."enrolled_mask", 0)) >= "t31"."needed_days"
        )
        THEN 8
        WHEN NOT (
          CASE
            WHEN "t31"."caregiver_cert_no" <> ''
            THEN BIT_COUNT(COALESCE("t31"."certified_mask", 0)) >= "t31"."needed_days"
            ELSE NOT (
              COALESCE("t31"."needs_caregiver", FALSE)
            )
          END
        )
        THEN 9
        ELSE 0
      END AS "rank"
    FROM (
      SELECT
        "t30".*
        EXCLUDE ("service_month_right", "caregiver_cert_no_right", "host_right")
      FROM (
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
          "t29"."home",
          "t29"."unit",
          "t29"."rate_fen",
          "t29"."cap_fen",
          "t29"."exclusive",
          "t29"."needs_caregiver",
          "t29"."needed_days",
          "t29"."host",
          "t29"."agreed_mask",
          "t29"."listed_mask",
          "t29"."enrolled_mask",
          "t11"."host" AS "host_right",
          "t11"."caregiver_cert_no" AS "caregiver_cert_no_right",
          "t11"."service_month" AS "service_month_right",
          "t11"."certified_mask"
        FROM (
          SELECT
            "t27".*
            EXCLUDE ("service_month_right", "pair_right", "subsidy_kind_right", "beneficiary_ref_right")
          FROM (
            SELECT
              "t26"."pair",
              "t26"."settlement_no",
              "t26"."beneficiary_ref",
              "t26"."institution",
              "t26"."subsidy_kind",
              "t26"."service_month",
              "t26"."service_days",
              "t26"."amount_fen",
              "t26"."caregiver_cert_no",
              "t26"."home",
              "t26"."unit",
              "t26"."rate_fen",
              "t26"."cap_fen",
              "t26"."exclusive",
              "t26"."needs_caregiver",
              "t26"."needed_days",
              "t26"."host",
              "t26"."agreed_mask",
              "t26"."listed_mask",
              "t12"."pair" AS "pair_right",
              "t12"."beneficiary_ref" AS "beneficiary_ref_right",
              "t12"."subsidy_kind" AS "subsidy_kind_right",
              "t12"."service_month" AS "service_month_right",
              "t12"."enrolled_mask"
            FROM (
              SELECT
                "t24".*
                EXCLUDE ("service_month_right", "host_right", "institution_right")
              FROM (
                SELECT
                  "t23"."pair",
                  "t23"."settlement_no",
                  "t23"."beneficiary_ref",
                  "t23"."institution",
                  "t23"."subsidy_kind",
                  "t23"."service_month",
                  "t23"."service_days",
                  "t23"."amount_fen",
                  "t23"."caregiver_cert_no",
                  "t23"."home",
                  "t23"."unit",
                  "t23"."rate_fen",
                  "t23"."cap_fen",
                  "t23"."exclusive",
                  "t23"."needs_caregiver",
                  "t23"."needed_days",
                  "t23"."host",
                  "t23"."agreed_mask",
                  "t13"."host" AS "host_right",
                  "t13"."institution" AS "institution_right",
                  "t13"."service_month" AS "service_month_right",
                  "t13"."listed_mask"
                FROM (
                  SELECT
                    "t21".*
                    EXCLUDE ("subsidy_kind_right", "beneficiary_ref_right", "institution_right", "pair_right", "service_month_right")
                  FROM (
                    SELECT
                      "t20"."pair",
                      "t20"."settlement_no",
                      "t20"."beneficiary_ref",
                      "t20"."institution",
                      "t20"."subsidy_kind",
                      "t20"."service_month",
                      "t20"."service_days",
                      "t20"."amount_fen",
                      "t20"."caregiver_cert_no",
                      "t20"."home",
                      "t20"."unit",
                      "t20"."rate_fen",
                      "t20"."cap_fen",
                      "t20"."exclusive",
                      "t20"."needs_caregiver",
                      "t20"."needed_days",
                      "t20"."host",
                      "t14"."pair" AS "pair_right",
                      "t14"."beneficiary_ref" AS "beneficiary_ref_right",
                      "t14"."institution" AS "institution_right",
                      "t14"."subsidy_kind" AS "subsidy_kind_right",
                      "t14"."service_month" AS "service_month_right",
                      "t14"."agreed_mask"
                    FROM (
                      SELECT
                        "t18"."pair",
                        "t18"."settlement_no",
                        "t18"."beneficiary_ref",
                        "t18"."institution",
                        "t18"."subsidy_kind",
                        "t18"."service_month",
                        "t18"."service_days",
                        "t18"."amount_fen",
                        "t18"."caregiver_cert_no",
                        "t18"."home",
                        "t18"."unit",
                        "t18"."rate_fen",
                        "t18"."cap_fen",
                        "t18"."exclusive",
                        "t18"."needs_caregiver",
                        CASE WHEN COALESCE("t18"."unit" = 'USE', FALSE) THEN 1 ELSE "t18"."service_days" END AS "needed_days",
                        "t18"."pair" % 100 AS "host"
                      FROM (
                        SELECT
                          "t17".*
                          EXCLUDE ("home_right", "service_month_right", "subsidy_kind_right")
                        FROM (
                          SELECT
                            "t16"."pair",
                            "t16"."settlement_no",
                            "t16"."beneficiary_ref",
                            "t16"."institution",
                            "t16"."subsidy_kind",
                            "t16"."service_month",
                            "t16"."service_days",
                            "t16"."amount_fen",
                            "t16"."caregiver_cert_no",
                            "t16"."home",
                            "t6"."home" AS "home_right",
                            "t6"."subsidy_kind" AS "subsidy_kind_right",
                            "t6"."service_month" AS "service_month_right",
                            "t6"."unit",
                            "t6"."rate_fen",
                            "t6"."cap_fen",
                            "t6"."exclusive",
                            "t6"."needs_caregiver"
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
                              CAST(CAST(FLOOR((
                                "t4"."pair"
                              ) / (
                                100
                              )) AS BIGINT) AS SMALLINT) AS "home"
                            FROM "standing" AS "t4"
                          ) AS "t16"
                          LEFT OUTER JOIN "policies" AS "t6"
                            ON "t16"."home" = "t6"."home"
                            AND "t16"."subsidy_kind" = "t6"."subsidy_kind"
                            AND "t16"."service_month" = "t6"."service_month"
                        ) AS "t17"
                      ) AS "t18"
                    ) AS "t20"
                    LEFT OUTER JOIN (
                      SELECT
                        "t3"."pair",
                        "t3"."beneficiary_ref",
                        "t3"."institution",
                        "t3"."subsidy_kind",
                        "t3"."service_month",
                        BIT_OR("t3"."day_mask") AS "agreed_mask"
                      FROM "agreed_days" AS "t3"
                      GROUP BY
                        1,
                        2,
                        3,
                        4,
                        5
                    ) AS "t14"
                      ON "t20"."pair" = "t14"."pair"
                      AND "t20"."beneficiary_ref" = "t14"."beneficiary_ref"
                      AND "t20"."institution" = "t14"."institution"
                      AND "t20"."subsidy_kind" = "t14"."subsidy_kind"
                      AND "t20"."service_month" = "t14"."service_month"
                  ) AS "t21"
                ) AS "t23"
                LEFT OUTER JOIN (
                  SELECT
                    "t2"."host",
                    "t2"."institution",
                    "t2"."service_month",
                    BIT_OR("t2"."day_mask") AS "listed_mask"
                  FROM "listings" AS "t2"
                  GROUP BY
                    1,
                    2,
                    3
                ) AS "t13"
                  ON "t23"."host" = "t13"."host"
                  AND "t23"."institution" = "t13"."institution"
                  AND "t23"."service_month" = "t13"."service_month"
              ) AS "t24"
            ) AS "t26"
            LEFT OUTER JOIN (
              SELECT
                "t1"."pair",
                "t1"."beneficiary_ref",
                "t1"."subsidy_kind",
                "t1"."service_month",
                BIT_OR("t1"."day_mask") AS "enrolled_mask"
              FROM "enrolled_days" AS "t1"
              GROUP BY
                1,
                2,
                3,
                4
            ) AS "t12"
              ON "t26"."pair" = "t12"."pair"
              AND "t26"."beneficiary_ref" = "t12"."beneficiary_ref"
              AND "t26"."subsidy_kind" = "t12"."subsidy_kind"
              AND "t26"."service_month" = "t12"."service_month"
          ) AS "t27"
        ) AS "t29"
        LEFT OUTER JOIN (
          SELECT
            "t0"."host",
            "t0"."caregiver_cert_no",
            "t0"."service_month",
            BIT_OR("t0"."day_mask") AS "certified_mask"
          FROM "caregivers" AS "t0"
          GROUP BY
            1,
            2,
            3
        ) AS "t11"
          ON "t29"."host" = "t11"."host"
          AND "t29"."caregiver_cert_no" = "t11"."caregiver_cert_no"
          AND "t29"."service_month" = "t11"."service_month"
      ) AS "t30"
    ) AS "t31"
  ) AS "t32"
  WHERE
    "t32"."rank" > 0
) AS "t33"
GROUP BY
  1,
  2
;

-- step: overlapping
-- kept: yes
-- reads: barred policies standing
-- columns: pair:int16 settlement_no:string
SELECT DISTINCT
  *
FROM (
  SELECT
    "t16"."pair",
    "t16"."settlement_no"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t12".*
        EXCLUDE ("home_right", "service_month_right", "subsidy_kind_right")
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
          "t11"."home",
          "t3"."home" AS "home_right",
          "t3"."subsidy_kind" AS "subsidy_kind_right",
          "t3"."service_month" AS "service_month_right",
          "t3"."unit",
          "t3"."rate_fen",
          "t3"."cap_fen",
          "t3"."exclusive",
          "t3"."needs_caregiver"
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
            CAST(CAST(FLOOR((
              "t9"."pair"
            ) / (
              100
            )) AS BIGINT) AS SMALLINT) AS "home"
          FROM (
            SELECT
              *
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
                "t7"."caregiver_cert_no"
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
                  "t1"."caregiver_cert_no"
                FROM "standing" AS "t1"
              ) AS "t7"
              ANTI JOIN "barred" AS "t4"
                ON "t7"."pair" = "t4"."pair" AND "t7"."settlement_no" = "t4"."settlement_no"
            ) AS "t8"
            UNION ALL
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
                "t1"."caregiver_cert_no"
              FROM "standing" AS "t1"
              WHERE
                FALSE
            ) AS "t5"
          ) AS "t9"
        ) AS "t11"
        LEFT OUTER JOIN "policies" AS "t3"
          ON "t11"."home" = "t3"."home"
          AND "t11"."subsidy_kind" = "t3"."subsidy_kind"
          AND "t11"."service_month" = "t3"."service_month"
      ) AS "t12"
    ) AS "t13"
    WHERE
      COALESCE("t13"."exclusive", FALSE)
  ) AS "t16"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t17"."pair",
        "t17"."beneficiary_ref",
        "t17"."service_month",
        SUM("t17"."value") AS "total"
      FROM (
        SELECT
          "t15"."pair",
          "t15"."beneficiary_ref",
          "t15"."service_month",
          "t15"."settlement_no",
          MAX("t15"."value") AS "value"
        FROM (
          SELECT
            "t13"."pair",
            "t13"."settlement_no",
            "t13"."beneficiary_ref",
            "t13"."institution",
            "t13"."subsidy_kind",
            "t13"."service_month",
            "t13"."service_days",
            "t13"."amount_fen",
            "t13"."caregiver_cert_no",
            "t13"."home",
            "t13"."unit",
            "t13"."rate_fen",
            "t13"."cap_fen",
            "t13"."exclusive",
            "t13"."needs_caregiver",
            "t13"."service_days" AS "value"
          FROM (
            SELECT
              "t12".*
              EXCLUDE ("home_right", "service_month_right", "subsidy_kind_right")
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
                "t11"."home",
                "t3"."home" AS "home_right",
                "t3"."subsidy_kind" AS "subsidy_kind_right",
                "t3"."service_month" AS "service_month_right",
                "t3"."unit",
                "t3"."rate_fen",
                "t3"."cap_fen",
                "t3"."exclusive",
                "t3"."needs_caregiver"
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
                  CAST(CAST(FLOOR((
                    "t9"."pair"
                  ) / (
                    100
                  )) AS BIGINT) AS SMALLINT) AS "home"
                FROM (
                  SELECT
                    *
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
                      "t7"."caregiver_cert_no"
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
                        "t1"."caregiver_cert_no"
                      FROM "standing" AS "t1"
                    ) AS "t7"
                    ANTI JOIN "barred" AS "t4"
                      ON "t7"."pair" = "t4"."pair" AND "t7"."settlement_no" = "t4"."settlement_no"
                  ) AS "t8"
                  UNION ALL
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
                      "t1"."caregiver_cert_no"
                    FROM "standing" AS "t1"
                    WHERE
                      FALSE
                  ) AS "t5"
                ) AS "t9"
              ) AS "t11"
              LEFT OUTER JOIN "policies" AS "t3"
                ON "t11"."home" = "t3"."home"
                AND "t11"."subsidy_kind" = "t3"."subsidy_kind"
                AND "t11"."service_month" = "t3"."service_month"
            ) AS "t12"
          ) AS "t13"
          WHERE
            COALESCE("t13"."exclusive", FALSE)
        ) AS "t15"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t17"
      GROUP BY
        1,
        2,
        3
    ) AS "t18"
    WHERE
      "t18"."total" > CASE
        WHEN CAST(SUBSTRING(
          "t18"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t18"."service_month") END,
          2
        ) AS BIGINT) IN (4, 6, 9, 11)
        THEN 30
        WHEN (
          CAST(SUBSTRING(
            "t18"."service_month",
            CASE WHEN (
              5 + 1
            ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t18"."service_month") END,
            2
          ) AS BIGINT) = 2
        )
        AND (
          (
            (
              (
                CAST(SUBSTRING(
                  "t18"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t18"."service_month") END,
                  4
                ) AS BIGINT) % 4
              ) = 0
            )
            AND (
              (
                CAST(SUBSTRING(
                  "t18"."service_month",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t18"."service_month") END,
                  4
                ) AS BIGINT) % 100
              ) <> 0
            )
          )
          OR (
            (
              CAST(SUBSTRING(
                "t18"."service_month",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t18"."service_month") END,
                4
              ) AS BIGINT) % 400
            ) = 0
          )
        )
        THEN 29
        WHEN CAST(SUBSTRING(
          "t18"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t18"."service_month") END,
          2
        ) AS BIGINT) = 2
        THEN 28
        ELSE 31
      END
  ) AS "t20"
    ON "t16"."pair" = "t20"."pair"
    AND "t16"."beneficiary_ref" = "t20"."beneficiary_ref"
    AND "t16"."service_month" = "t20"."service_month"
) AS "t21"
;

-- step: above_cap
-- kept: yes
-- reads: barred overlapping policies standing
-- columns: pair:int16 settlement_no:string
WITH "t8" AS (
  SELECT
    "t2"."pair",
    "t2"."settlement_no",
    "t2"."beneficiary_ref",
    "t2"."institution",
    "t2"."subsidy_kind",
    "t2"."service_month",
    "t2"."service_days",
    "t2"."amount_fen",
    "t2"."caregiver_cert_no"
  FROM "standing" AS "t2"
), "t14" AS (
  SELECT
    "t10"."pair",
    "t10"."settlement_no",
    "t10"."beneficiary_ref",
    "t10"."institution",
    "t10"."subsidy_kind",
    "t10"."service_month",
    "t10"."service_days",
    "t10"."amount_fen",
    "t10"."caregiver_cert_no"
  FROM "t8" AS "t10"
  ANTI JOIN "barred" AS "t5"
    ON "t10"."pair" = "t5"."pair" AND "t10"."settlement_no" = "t5"."settlement_no"
  ANTI JOIN (
    SELECT
      "t6"."pair",
      "t6"."settlement_no",
      10 AS "rank"
    FROM "overlapping" AS "t6"
    SEMI JOIN "t8" AS "t11"
      ON "t6"."pair" = "t11"."pair" AND "t6"."settlement_no" = "t11"."settlement_no"
  ) AS "t13"
    ON "t10"."pair" = "t13"."pair" AND "t10"."settlement_no" = "t13"."settlement_no"
)
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t22"."pair",
      "t22"."settlement_no"
    FROM (
      SELECT
        "t21".*
        EXCLUDE ("home_right", "service_month_right", "subsidy_kind_right")
      FROM (
        SELECT
          "t18"."pair",
          "t18"."settlement_no",
          "t18"."beneficiary_ref",
          "t18"."institution",
          "t18"."subsidy_kind",
          "t18"."service_month",
          "t18"."service_days",
          "t18"."amount_fen",
          "t18"."caregiver_cert_no",
          "t18"."home",
          "t4"."home" AS "home_right",
          "t4"."subsidy_kind" AS "subsidy_kind_right",
          "t4"."service_month" AS "service_month_right",
          "t4"."unit",
          "t4"."rate_fen",
          "t4"."cap_fen",
          "t4"."exclusive",
          "t4"."needs_caregiver"
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
            CAST(CAST(FLOOR((
              "t15"."pair"
            ) / (
              100
            )) AS BIGINT) AS SMALLINT) AS "home"
          FROM "t14" AS "t15"
        ) AS "t18"
        LEFT OUTER JOIN "policies" AS "t4"
          ON "t18"."home" = "t4"."home"
          AND "t18"."subsidy_kind" = "t4"."subsidy_kind"
          AND "t18"."service_month" = "t4"."service_month"
      ) AS "t21"
    ) AS "t22"
    WHERE
      (
        "t22"."unit" IS NULL
      )
      OR (
        "t22"."amount_fen" > (
          "t22"."rate_fen" * CASE WHEN "t22"."unit" = 'MONTH' THEN 1 ELSE "t22"."service_days" END
        )
      )
  ) AS "t28"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t27"."pair",
      "t27"."settlement_no"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t23".*
          EXCLUDE ("home_right", "service_month_right", "subsidy_kind_right")
        FROM (
          SELECT
            "t20"."pair",
            "t20"."settlement_no",
            "t20"."beneficiary_ref",
            "t20"."institution",
            "t20"."subsidy_kind",
            "t20"."service_month",
            "t20"."service_days",
            "t20"."amount_fen",
            "t20"."caregiver_cert_no",
            "t20"."home",
            "t4"."home" AS "home_right",
            "t4"."subsidy_kind" AS "subsidy_kind_right",
            "t4"."service_month" AS "service_month_right",
            "t4"."unit",
            "t4"."rate_fen",
            "t4"."cap_fen",
            "t4"."exclusive",
            "t4"."needs_caregiver"
          FROM (
            SELECT
              "t16"."pair",
              "t16"."settlement_no",
              "t16"."beneficiary_ref",
              "t16"."institution",
              "t16"."subsidy_kind",
              "t16"."service_month",
              "t16"."service_days",
              "t16"."amount_fen",
              "t16"."caregiver_cert_no",
              CAST(CAST(FLOOR((
                "t16"."pair"
              ) / (
                100
              )) AS BIGINT) AS SMALLINT) AS "home"
            FROM (
              SELECT
                *
              FROM "t14" AS "t15"
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
                  "t2"."caregiver_cert_no"
                FROM "standing" AS "t2"
                WHERE
                  FALSE
              ) AS "t7"
            ) AS "t16"
          ) AS "t20"
          LEFT OUTER JOIN "policies" AS "t4"
            ON "t20"."home" = "t4"."home"
            AND "t20"."subsidy_kind" = "t4"."subsidy_kind"
            AND "t20"."service_month" = "t4"."service_month"
        ) AS "t23"
      ) AS "t24"
      WHERE
        "t24"."unit" IS NOT NULL
    ) AS "t27"
    SEMI JOIN (
      SELECT
        *
      FROM (
        SELECT
          "t29"."pair",
          "t29"."beneficiary_ref",
          "t29"."subsidy_kind",
          "t29"."service_month",
          "t29"."cap_fen",
          SUM("t29"."value") AS "total"
        FROM (
          SELECT
            "t26"."pair",
            "t26"."beneficiary_ref",
            "t26"."subsidy_kind",
            "t26"."service_month",
            "t26"."cap_fen",
            "t26"."settlement_no",
            MAX("t26"."value") AS "value"
          FROM (
            SELECT
              "t24"."pair",
              "t24"."settlement_no",
              "t24"."beneficiary_ref",
              "t24"."institution",
              "t24"."subsidy_kind",
              "t24"."service_month",
              "t24"."service_days",
              "t24"."amount_fen",
              "t24"."caregiver_cert_no",
              "t24"."home",
              "t24"."unit",
              "t24"."rate_fen",
              "t24"."cap_fen",
              "t24"."exclusive",
              "t24"."needs_caregiver",
              "t24"."amount_fen" AS "value"
            FROM (
              SELECT
                "t23".*
                EXCLUDE ("home_right", "service_month_right", "subsidy_kind_right")
              FROM (
                SELECT
                  "t20"."pair",
                  "t20"."settlement_no",
                  "t20"."beneficiary_ref",
                  "t20"."institution",
                  "t20"."subsidy_kind",
                  "t20"."service_month",
                  "t20"."service_days",
                  "t20"."amount_fen",
                  "t20"."caregiver_cert_no",
                  "t20"."home",
                  "t4"."home" AS "home_right",
                  "t4"."subsidy_kind" AS "subsidy_kind_right",
                  "t4"."service_month" AS "service_month_right",
                  "t4"."unit",
                  "t4"."rate_fen",
                  "t4"."cap_fen",
                  "t4"."exclusive",
                  "t4"."needs_caregiver"
                FROM (
                  SELECT
                    "t16"."pair",
                    "t16"."settlement_no",
                    "t16"."beneficiary_ref",
                    "t16"."institution",
                    "t16"."subsidy_kind",
                    "t16"."service_month",
                    "t16"."service_days",
                    "t16"."amount_fen",
                    "t16"."caregiver_cert_no",
                    CAST(CAST(FLOOR((
                      "t16"."pair"
                    ) / (
                      100
                    )) AS BIGINT) AS SMALLINT) AS "home"
                  FROM (
                    SELECT
                      *
                    FROM "t14" AS "t15"
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
                        "t2"."caregiver_cert_no"
                      FROM "standing" AS "t2"
                      WHERE
                        FALSE
                    ) AS "t7"
                  ) AS "t16"
                ) AS "t20"
                LEFT OUTER JOIN "policies" AS "t4"
                  ON "t20"."home" = "t4"."home"
                  AND "t20"."subsidy_kind" = "t4"."subsidy_kind"
                  AND "t20"."service_month" = "t4"."service_month"
              ) AS "t23"
            ) AS "t24"
            WHERE
              "t24"."unit" IS NOT NULL
          ) AS "t26"
          GROUP BY
            1,
            2,
            3,
            4,
            5,
            6
        ) AS "t29"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t30"
      WHERE
        "t30"."total" > "t30"."cap_fen"
    ) AS "t32"
      ON "t27"."pair" = "t32"."pair"
      AND "t27"."beneficiary_ref" = "t32"."beneficiary_ref"
      AND "t27"."subsidy_kind" = "t32"."subsidy_kind"
      AND "t27"."service_month" = "t32"."service_month"
  ) AS "t33"
) AS "t34"
;

-- step: proposals
-- kept: no
-- reads: above_cap barred overlapping standing
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t10"."pair",
  "t10"."settlement_no",
  MIN("t10"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t0"."pair",
      "t0"."settlement_no",
      11 AS "rank"
    FROM "above_cap" AS "t0"
  ) AS "t5"
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
      SEMI JOIN (
        SELECT
          "t3"."pair",
          "t3"."settlement_no",
          "t3"."beneficiary_ref",
          "t3"."institution",
          "t3"."subsidy_kind",
          "t3"."service_month",
          "t3"."service_days",
          "t3"."amount_fen",
          "t3"."caregiver_cert_no"
        FROM "standing" AS "t3"
      ) AS "t7"
        ON "t4"."pair" = "t7"."pair" AND "t4"."settlement_no" = "t7"."settlement_no"
    ) AS "t8"
  ) AS "t9"
) AS "t10"
GROUP BY
  1,
  2
;
