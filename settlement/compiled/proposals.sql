-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

-- input: agreements pair home_division institution subsidy_kind service_month day_mask
-- input: caregivers host institution caregiver_cert_no service_month day_mask
-- input: cleared pair settlement_no text beneficiary_ref service_month amount_fen cancelled institution subsidy_kind service_days caregiver_cert_no
-- input: enrolments pair beneficiary_ref home_division subsidy_kind from_date until_date
-- input: listings pair institution service_month day_mask
-- input: policies home subsidy_kind service_month unit rate_fen cap_fen exclusive needs_caregiver

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
            FROM "standing" AS "t4"
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
-- reads: barred policies standing
-- columns: pair:int16 settlement_no:string
WITH "t12" AS (
  SELECT
    "t11"."pair",
    "t11"."settlement_no",
    "t11"."text",
    "t11"."beneficiary_ref",
    "t11"."service_month",
    "t11"."amount_fen",
    "t11"."institution",
    "t11"."subsidy_kind",
    "t11"."service_days",
    "t11"."caregiver_cert_no",
    "t11"."home",
    "t3"."unit",
    "t3"."rate_fen",
    "t3"."cap_fen",
    "t3"."exclusive",
    "t3"."needs_caregiver"
  FROM (
    SELECT
      "t9"."pair",
      "t9"."settlement_no",
      "t9"."text",
      "t9"."beneficiary_ref",
      "t9"."service_month",
      "t9"."amount_fen",
      "t9"."institution",
      "t9"."subsidy_kind",
      "t9"."service_days",
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
          "t7"."text",
          "t7"."beneficiary_ref",
          "t7"."service_month",
          "t7"."amount_fen",
          "t7"."institution",
          "t7"."subsidy_kind",
          "t7"."service_days",
          "t7"."caregiver_cert_no"
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
          "t1"."text",
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
      ) AS "t5"
    ) AS "t9"
  ) AS "t11"
  LEFT OUTER JOIN "policies" AS "t3"
    ON "t11"."home" = "t3"."home"
    AND "t11"."subsidy_kind" = "t3"."subsidy_kind"
    AND "t11"."service_month" = "t3"."service_month"
)
SELECT DISTINCT
  *
FROM (
  SELECT
    "t16"."pair",
    "t16"."settlement_no"
  FROM (
    SELECT
      *
    FROM "t12" AS "t13"
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
            "t13"."text",
            "t13"."beneficiary_ref",
            "t13"."service_month",
            "t13"."amount_fen",
            "t13"."institution",
            "t13"."subsidy_kind",
            "t13"."service_days",
            "t13"."caregiver_cert_no",
            "t13"."home",
            "t13"."unit",
            "t13"."rate_fen",
            "t13"."cap_fen",
            "t13"."exclusive",
            "t13"."needs_caregiver",
            "t13"."service_days" AS "value"
          FROM "t12" AS "t13"
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
WITH "t7" AS (
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
  FROM "standing" AS "t2"
), "t14" AS (
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
  FROM "t7" AS "t10"
  ANTI JOIN "barred" AS "t5"
    ON "t10"."pair" = "t5"."pair" AND "t10"."settlement_no" = "t5"."settlement_no"
  ANTI JOIN (
    SELECT
      "t6"."pair",
      "t6"."settlement_no",
      10 AS "rank"
    FROM "overlapping" AS "t6"
    SEMI JOIN "t7" AS "t11"
      ON "t6"."pair" = "t11"."pair" AND "t6"."settlement_no" = "t11"."settlement_no"
  ) AS "t13"
    ON "t10"."pair" = "t13"."pair" AND "t10"."settlement_no" = "t13"."settlement_no"
), "t22" AS (
  SELECT
    "t20"."pair",
    "t20"."settlement_no",
    "t20"."text",
    "t20"."beneficiary_ref",
    "t20"."service_month",
    "t20"."amount_fen",
    "t20"."institution",
    "t20"."subsidy_kind",
    "t20"."service_days",
    "t20"."caregiver_cert_no",
    "t20"."home",
    "t4"."unit",
    "t4"."rate_fen",
    "t4"."cap_fen",
    "t4"."exclusive",
    "t4"."needs_caregiver"
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
          "t2"."text",
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
      ) AS "t8"
    ) AS "t16"
  ) AS "t20"
  LEFT OUTER JOIN "policies" AS "t4"
    ON "t20"."home" = "t4"."home"
    AND "t20"."subsidy_kind" = "t4"."subsidy_kind"
    AND "t20"."service_month" = "t4"."service_month"
)
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t21"."pair",
      "t21"."settlement_no"
    FROM (
      SELECT
        "t18"."pair",
        "t18"."settlement_no",
        "t18"."text",
        "t18"."beneficiary_ref",
        "t18"."service_month",
        "t18"."amount_fen",
        "t18"."institution",
        "t18"."subsidy_kind",
        "t18"."service_days",
        "t18"."caregiver_cert_no",
        "t18"."home",
        "t4"."unit",
        "t4"."rate_fen",
        "t4"."cap_fen",
        "t4"."exclusive",
        "t4"."needs_caregiver"
      FROM (
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
    WHERE
      (
        "t21"."unit" IS NULL
      )
      OR (
        "t21"."amount_fen" > (
          "t21"."rate_fen" * CASE WHEN "t21"."unit" = 'MONTH' THEN 1 ELSE "t21"."service_days" END
        )
      )
  ) AS "t27"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t26"."pair",
      "t26"."settlement_no"
    FROM (
      SELECT
        *
      FROM "t22" AS "t23"
      WHERE
        "t23"."unit" IS NOT NULL
    ) AS "t26"
    SEMI JOIN (
      SELECT
        *
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
            "t25"."pair",
            "t25"."beneficiary_ref",
            "t25"."subsidy_kind",
            "t25"."service_month",
            "t25"."cap_fen",
            "t25"."settlement_no",
            MAX("t25"."value") AS "value"
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
              "t23"."home",
              "t23"."unit",
              "t23"."rate_fen",
              "t23"."cap_fen",
              "t23"."exclusive",
              "t23"."needs_caregiver",
              "t23"."amount_fen" AS "value"
            FROM "t22" AS "t23"
            WHERE
              "t23"."unit" IS NOT NULL
          ) AS "t25"
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
      ) AS "t29"
      WHERE
        "t29"."total" > "t29"."cap_fen"
    ) AS "t31"
      ON "t26"."pair" = "t31"."pair"
      AND "t26"."beneficiary_ref" = "t31"."beneficiary_ref"
      AND "t26"."subsidy_kind" = "t31"."subsidy_kind"
      AND "t26"."service_month" = "t31"."service_month"
  ) AS "t32"
) AS "t33"
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
          "t3"."text",
          "t3"."beneficiary_ref",
          "t3"."service_month",
          "t3"."amount_fen",
          "t3"."institution",
          "t3"."subsidy_kind",
          "t3"."service_days",
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
